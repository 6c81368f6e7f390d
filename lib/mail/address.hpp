// SPDX-License-Identifier: MIT
// Mail addresses: in an envelope (RFC 5321 §4.1.2, 6531 §3.3), and with names in a header (RFC 5322 §3.4, 6532).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_local_part = 64;  // RFC 5321 §4.5.3.1.1
inline constexpr std::size_t max_address = 254;    // RFC 5321 §4.5.3.1.3: a path has 256 with its < and >

/// One address. Made by parse_address(), which leaves nothing in it that could end a line or a path.
struct address {
  std::string local;         ///< as it goes on the wire: a dot-string, or a quoted string with its quotes
  std::string domain;        ///< as given, or `[192.0.2.1]`
  std::string ascii_domain;  ///< in A-labels

  /// Both sides as given.
  [[nodiscard]] std::string to_string() const { return local + '@' + domain; }
  /// As it goes on the wire and into headers: `jörg@xn--bcher-kva.example`.
  [[nodiscard]] std::string to_ascii_domain() const { return local + '@' + ascii_domain; }
  /// The wire's form has no octet above 127. If not, SMTPUTF8 is needed: a local part has no other spelling.
  [[nodiscard]] bool is_ascii() const noexcept;

  /// The same mailbox for a server: the domain in any case, the local part exactly.
  friend bool operator==(const address& one, const address& other) noexcept;
};

/// An address and who it is.
struct mailbox {
  std::string name;  ///< in UTF-8, unquoted; may be empty
  mail::address address;
};

/// `user@example.org`, `"odd one"@example.org`, `user@[192.0.2.1]`, with nothing around it but blanks and one pair
/// of angle brackets. Anything else is errc::bad_data and says what is wrong: control characters, CR, LF, NUL,
/// text that is not UTF-8, a missing side, a length above the RFC's.
[[nodiscard]] result<address> parse_address(std::string_view text);

/// `Name <a@b>`, `"Name, of sorts" <a@b>`, `a@b`, `a@b (Name)`. The name may be UTF-8 or encoded-words that stay
/// as they are.
[[nodiscard]] result<mailbox> parse_mailbox(std::string_view text);

/// Mailboxes between commas; empty elements are skipped (RFC 5322 §4.4). No mailbox at all is an empty list.
/// Groups (`friends: a@b, c@d;`) are refused.
[[nodiscard]] result<std::vector<mailbox>> parse_mailbox_list(std::string_view text);

}  // namespace netlab::mail
