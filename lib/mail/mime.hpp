// SPDX-License-Identifier: MIT
// Bodies for the wire: which transfer encoding a text needs, and those encodings (RFC 2045 §6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace netlab::mail {

enum class transfer_encoding : std::uint8_t { seven_bit, eight_bit, quoted_printable, base64, binary };

/// `7bit`, `8bit`, ...
[[nodiscard]] std::string_view name_of(transfer_encoding encoding) noexcept;

/// The text with CRLF for CRLF, lone CR and lone LF, and one at its end unless it is empty.
[[nodiscard]] std::string to_crlf(std::string_view text);

/// What can carry the text, which is in CRLF form: as it is where it may be, else the shorter of the encodings.
[[nodiscard]] transfer_encoding encoding_for(std::string_view text, bool eight_bit_mime);

/// RFC 2045 §6.7. The text is in CRLF form; lines come out with at most 76 octets.
[[nodiscard]] std::string encode_quoted_printable(std::string_view text);

inline constexpr std::size_t octets_a_line = 57;  // RFC 2045 §6.8: 76 characters

/// Octets of Base64 in lines, with their line ends.
[[nodiscard]] constexpr std::uint64_t size_in_base64(std::uint64_t octets) noexcept {
  const std::uint64_t lines = (octets + octets_a_line - 1) / octets_a_line;
  return (octets + 2) / 3 * 4 + 2 * lines;
}

/// Base64 in lines that end in CRLF. `to` has room for size_in_base64(octets.size()). Unless these are the last
/// octets there are whole lines of them. How many were written.
std::size_t encode_base64_lines(std::string_view octets, std::span<char> to);

/// The media type for a file of that name, by its extension in any case; application/octet-stream for others.
[[nodiscard]] std::string_view type_of(std::string_view file_name) noexcept;

/// `type/subtype`, both tokens (RFC 2045 §5.1), without parameters.
[[nodiscard]] bool is_media_type(std::string_view type) noexcept;

}  // namespace netlab::mail
