// SPDX-License-Identifier: MIT
// Message bodies: chooses the transfer encoding that a text needs, and encodes it (RFC 2045 §6).
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

/// Turns CRLF, lone CR and lone LF into CRLF, and adds one at the end unless the text is empty.
[[nodiscard]] std::string to_crlf(std::string_view text);

/// The encoding for a text in CRLF form: none if the text allows it, else the shorter of the two encodings.
[[nodiscard]] transfer_encoding encoding_for(std::string_view text, bool eight_bit_mime);

inline constexpr std::size_t octets_a_line = 57;  // RFC 2045 §6.8: 76 characters

/// The size of the Base64 form, with its line ends.
[[nodiscard]] constexpr std::uint64_t size_in_base64(std::uint64_t octets) noexcept {
  const std::uint64_t lines = (octets + octets_a_line - 1) / octets_a_line;
  return (octets + 2) / 3 * 4 + 2 * lines;
}

/// Writes Base64 in lines that end in CRLF. `to` needs room for size_in_base64(octets.size()). Except for the last
/// call, `octets` must fill whole lines. Returns the number of octets written.
std::size_t encode_base64_lines(std::string_view octets, std::span<char> to);

/// The media type for a file name, by its extension in any case; else application/octet-stream.
[[nodiscard]] std::string_view type_of(std::string_view file_name) noexcept;

/// `type/subtype`, both tokens (RFC 2045 §5.1), without parameters.
[[nodiscard]] bool is_media_type(std::string_view type) noexcept;

}  // namespace netlab::mail
