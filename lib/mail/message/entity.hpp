// SPDX-License-Identifier: MIT
// Messages as they came (RFC 5322, 2045-2047, 2231, 2183): header fields and parts, read liberally.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mail/message/decode.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_entity_depth = 16;     // multiparts within multiparts; mail has two or three
inline constexpr std::size_t max_entity_parts = 1'000;  // of one message, so that its list remains readable
inline constexpr std::size_t max_entity_fields = 2'000;  // of one header; the trace of a long way has about a hundred

/// A header field. Both texts are valid UTF-8.
struct header_field {
  std::string name;  ///< as written
  std::string value;  ///< unfolded (RFC 5322 §2.2.3), encoded words decoded, without surrounding blanks
  std::string raw;  ///< unfolded, octets as they came: for values with a grammar, such as addresses
};

/// A message or a part of one.
struct entity {
  std::vector<header_field> header;
  std::string type;  ///< `text/plain`, in lower case: the default if the field is missing or makes no sense
  std::string charset;  ///< in lower case; empty: not stated
  std::string disposition;  ///< `inline`, `attachment`, in lower case; empty: not stated
  std::string file_name;  ///< valid UTF-8, otherwise as the sender wrote it: it may have slashes; may be empty
  std::string content_id;  ///< without brackets; may be empty
  transfer_encoding encoding = transfer_encoding::seven_bit;
  std::size_t body_at = 0;  ///< offset of the encoded body in the message
  std::size_t body_size = 0;  ///< in octets
  std::vector<entity> parts;  ///< of a multipart

  [[nodiscard]] bool is_multipart() const noexcept { return type.starts_with("multipart/"); }
  [[nodiscard]] bool is_text() const noexcept { return type.starts_with("text/"); }
  /// The value of the first field of this name, in any case; empty if there is none.
  [[nodiscard]] std::string_view value_of(std::string_view name) const noexcept;
};

/// Reads a message with CRLF or LF line ends. Never fails: what is not a header field begins the body, parts beyond a
/// limit stay a part of their parent's body, and fields beyond a limit are skipped.
[[nodiscard]] entity parse_entity(std::string_view message);

/// The length of the header with the empty line that ends it; npos if the octets do not contain its end.
[[nodiscard]] std::size_t find_header_end(std::string_view octets) noexcept;

/// Only the header fields. `octets` may end before the header does.
[[nodiscard]] std::vector<header_field> parse_header(std::string_view octets);

/// The body of a part of `message`, decoded: its octets.
[[nodiscard]] std::string content_of(const entity& part, std::string_view message);

/// The same in valid UTF-8, for text: from the part's character set, or else from that which its HTML names.
[[nodiscard]] std::string text_of(const entity& part, std::string_view message);

/// All parts without parts of their own, in order, by the numbers that IMAP gives them (RFC 9051 §6.4.5): `1`, `2.1`.
/// They point into `root`.
[[nodiscard]] std::vector<std::pair<std::string, const entity*>> leaves_of(const entity& root);

}  // namespace netlab::mail
