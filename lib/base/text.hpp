// SPDX-License-Identifier: MIT
// Parsing and formatting of text: numbers, sizes, words, and peers' octets made safe to show.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace netlab {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// True if no octet is above 0x7f.
constexpr bool is_ascii(std::string_view text) noexcept {
  unsigned char above = 0;
  for (const char c : text) above |= static_cast<unsigned char>(c);
  return above < 0x80;
}

/// Digits of the base (2 to 36, letters in any case) with an optional minus. Returns nothing if any other character is
/// in the text or the number does not fit.
template <std::integral Integer>
[[nodiscard]] std::optional<Integer> parse_integer(std::string_view text, int base = 10) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// A decimal number between two bounds. The failure (errc::usage) has the `name` and the bounds.
[[nodiscard]] result<std::uint64_t> parse_number(std::string_view text, std::string_view name, std::uint64_t least,
                                                 std::uint64_t most);

/// `1500`, `64k`, `10M`, `2G`: octets in powers of 1024. Fails with errc::usage.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);

/// The text without surrounding spaces, tabs and line ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// The parts between single separators, including empty ones: `a,,b` has three.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The parts between runs of spaces and tabs; none is empty.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);

/// Changes ASCII letters only; other octets stay.
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);

/// Whether the texts are equal but for the case of ASCII letters.
[[nodiscard]] bool equal_in_any_case(std::string_view one, std::string_view other) noexcept;

/// Two digits for each octet, in lower case, with `between` between two octets.
[[nodiscard]] std::string to_hex(bytes_view octets, std::string_view between = {});

/// The octet that the first two characters stand for, hexadecimal digits in any case; nothing if they are others.
[[nodiscard]] std::optional<char> decode_hex_pair(std::string_view text) noexcept;

/// A well-formed UTF-8 sequence (RFC 3629 §4): its length, 1 to 4 octets, and its code point.
struct utf8_sequence {
  std::size_t length = 0;
  std::uint32_t code_point = 0;
};

/// Decodes the sequence at the start of a non-empty text. The length is 0 if it is not well-formed.
[[nodiscard]] utf8_sequence decode_utf8(std::string_view text) noexcept;

/// True if all of the text is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Makes a peer's octets safe for a terminal or a log line. Control characters and invalid UTF-8 become `\n`, `\t`,
/// `\x1b`; a backslash is doubled. Printable UTF-8 stays, except C1 controls and bidirectional overrides, which affect
/// terminals. Shows at most `limit` octets of the input, then `…`.
[[nodiscard]] std::string escape(std::string_view text, std::size_t limit = std::string_view::npos);

/// True if escape() would change nothing but backslashes.
[[nodiscard]] bool is_harmless(std::string_view text) noexcept;

/// The candidate with the smallest edit distance, or an empty text if none is similar enough.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Wraps words into lines of at most `width` columns, each indented by `indent` columns; existing line ends stay.
/// `used` columns of the first line are already taken. A word wider than a line gets a line of its own.
[[nodiscard]] std::string fill(std::string_view text, std::size_t width, std::size_t indent = 0, std::size_t used = 0);

/// The approximate width on a screen: one column per character. Escape control characters first.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;

/// At most `columns` columns of the text; if it is longer, the last one is `…`. 0 columns give an empty text.
[[nodiscard]] std::string cut_to_columns(std::string_view text, std::size_t columns);

/// `1 request`, `2 requests`.
[[nodiscard]] std::string count_of(std::uint64_t number, std::string_view noun);

}  // namespace netlab
