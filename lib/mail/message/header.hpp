// SPDX-License-Identifier: MIT
// Header fields: folding (RFC 5322 §2.2.3), words outside ASCII (RFC 2047), parameters (RFC 2231).
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mail/message/address.hpp"

namespace netlab::mail {

inline constexpr std::size_t wanted_line = 78;  // RFC 5322 §2.1.1: lines should not be longer
inline constexpr std::size_t max_line = 998;    // RFC 5322 §2.1.1: lines must not be longer

/// Fails with errc::bad_data, with the `name`, if the text is not UTF-8 or has a control character other than tab,
/// which could end the line or act on the reader's terminal.
[[nodiscard]] result<void> check_header_text(std::string_view text, std::string_view name);

/// RFC 5322 §2.2: printable ASCII except the colon.
[[nodiscard]] bool is_field_name(std::string_view name) noexcept;

/// Each appends one whole field, folded and with its CRLF. A line with an encoded-word has at most 76 octets, any
/// other at most 998. The arguments must have been checked. Words are encoded only where necessary; a plain word that
/// fits on a line stays as it is.
void append_unstructured(std::string& to, std::string_view name, std::string_view text);
void append_mailboxes(std::string& to, std::string_view name, std::span<const mailbox> list);

/// The same for fields with a grammar of their own. Encoded-words may occur only in comments (RFC 2047 §5), in
/// phrases separated by commas (Keywords), or in the phrase before List-Id's `<id>` (RFC 2919). They fail with
/// errc::bad_data for characters outside ASCII elsewhere and for words that do not fit on a line.
[[nodiscard]] result<void> append_structured(std::string& to, std::string_view name, std::string_view text);
[[nodiscard]] result<void> append_phrases(std::string& to, std::string_view name, std::string_view text);
[[nodiscard]] result<void> append_list_id(std::string& to, std::string_view name, std::string_view text);

/// Appends `; name=value` to a field whose current line has `column` octets, folded where needed: as a token, a
/// quoted string, or in RFC 2231's extended form, in as many sections as needed.
void append_parameter(std::string& to, std::size_t& column, std::string_view name, std::string_view value);

/// `Sun, 22 Nov 2026 20:16:07 +0000` (RFC 5322 §3.3).
[[nodiscard]] std::string to_date(std::chrono::sys_seconds time, std::chrono::minutes utc_offset);

}  // namespace netlab::mail
