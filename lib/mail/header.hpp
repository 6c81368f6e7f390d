// SPDX-License-Identifier: MIT
// Header fields: folding (RFC 5322 §2.2.3), words outside ASCII (RFC 2047), parameters (RFC 2231).
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mail/address.hpp"

namespace netlab::mail {

inline constexpr std::size_t wanted_line = 78;  // RFC 5322 §2.1.1: lines should not be longer
inline constexpr std::size_t max_line = 998;    // RFC 5322 §2.1.1: and must not be longer

/// Fails (errc::bad_data, naming `what`) if the text is not UTF-8 or has a control character other than a tab: what
/// would end the line, and what a reader's terminal would act on.
[[nodiscard]] result<void> check_header_text(std::string_view text, std::string_view what);

/// RFC 5322 §2.2: printable ASCII but the colon.
[[nodiscard]] bool is_field_name(std::string_view name) noexcept;

/// Each appends one whole field with its CRLF, folded; no line with an encoded-word in it has more than 76 octets, no
/// other more than 998. Arguments have been checked. Unstructured text can be encoded where it has to be; a plain word
/// stays as it is if it fits on a line.
void append_unstructured(std::string& to, std::string_view name, std::string_view text);
void append_mailboxes(std::string& to, std::string_view name, std::span<const mailbox> list);

/// The same for fields with a grammar of their own, where encoded-words may stand only in comments (RFC 2047 §5), in
/// phrases between commas (Keywords), or in the phrase before List-Id's `<id>` (RFC 2919). Fail with errc::bad_data
/// where there are characters outside ASCII elsewhere, or a word that no line has room for.
[[nodiscard]] result<void> append_structured(std::string& to, std::string_view name, std::string_view text);
[[nodiscard]] result<void> append_phrases(std::string& to, std::string_view name, std::string_view text);
[[nodiscard]] result<void> append_list_id(std::string& to, std::string_view name, std::string_view text);

/// Appends `; name=value` to a field whose line is `column` octets long, folded where needed: a token or quoted
/// string, or RFC 2231's extended form in as many sections as it takes.
void append_parameter(std::string& to, std::size_t& column, std::string_view name, std::string_view value);

/// `Sun, 22 Nov 2026 20:16:07 +0000` (RFC 5322 §3.3).
[[nodiscard]] std::string to_date(std::chrono::sys_seconds time, std::chrono::minutes utc_offset);

}  // namespace netlab::mail
