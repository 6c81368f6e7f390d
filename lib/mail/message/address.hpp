// SPDX-License-Identifier: MIT
// Mail addresses: in an envelope (RFC 5321 §4.1.2, 6531 §3.3), and with display names in a header (RFC 5322 §3.4,
// 6532).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_local_part = 64;  // RFC 5321 §4.5.3.1.1
inline constexpr std::size_t max_address = 254;    // RFC 5321 §4.5.3.1.3: a path has 256 with its < and >

/// One address, made by parse_address(): no character in it can end a line or a path.
struct address {
  std::string local;         ///< as sent: a dot-string, or a quoted string with its quotes
  std::string domain;        ///< as given, or `[192.0.2.1]`
  std::string ascii_domain;  ///< in A-labels

  /// Local part and domain as given.
  [[nodiscard]] std::string to_string() const { return local + '@' + domain; }
  /// As sent and as written in headers: `jörg@xn--bcher-kva.example`.
  [[nodiscard]] std::string to_ascii_domain() const { return local + '@' + ascii_domain; }
  /// True if the form that is sent has no octet above 127. If false, SMTPUTF8 is needed: a local part has no ASCII
  /// form.
  [[nodiscard]] bool is_ascii() const noexcept;

  /// The same mailbox to a server: the domain is compared without case, the local part exactly.
  friend bool operator==(const address& one, const address& other) noexcept;
};

/// An address with a display name.
struct mailbox {
  std::string name;  ///< in UTF-8, unquoted; may be empty
  mail::address address;
};

/// Accepts `user@example.org`, `"odd one"@example.org`, `user@[192.0.2.1]`, with optional blanks and one pair of
/// angle brackets around it. Else fails with errc::bad_data and the reason: a control character, CR, LF or NUL, text
/// that is not UTF-8, a missing part, or a length above the RFC's limit.
[[nodiscard]] result<address> parse_address(std::string_view text);

/// Accepts `Name <a@b>`, `"Name, of sorts" <a@b>`, `a@b`, `a@b (Name)`. The name may be UTF-8; encoded-words are not
/// decoded.
[[nodiscard]] result<mailbox> parse_mailbox(std::string_view text);

/// Mailboxes separated by commas; empty elements are skipped (RFC 5322 §4.4). The list may be empty. Groups
/// (`friends: a@b, c@d;`) are refused.
[[nodiscard]] result<std::vector<mailbox>> parse_mailbox_list(std::string_view text);

}  // namespace netlab::mail
