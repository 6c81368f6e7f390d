// SPDX-License-Identifier: MIT
// Text as people and peers write it: numbers, sizes, words, and bytes made safe to show.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// No octet of it is above 0x7f.
constexpr bool is_ascii(std::string_view text) noexcept {
  unsigned char above = 0;
  for (const char c : text) above |= static_cast<unsigned char>(c);
  return above < 0x80;
}

/// Decimal digits with an optional minus, all of the text, in the range of the type; else nothing.
template <std::integral Integer>
[[nodiscard]] std::optional<Integer> parse_integer(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// A decimal number between two bounds; the failure (errc::usage) names it and the bounds.
[[nodiscard]] result<std::uint64_t> parse_number(std::string_view text, std::string_view what, std::uint64_t least,
                                                 std::uint64_t most);

/// `1500`, `64k`, `10M`, `2G`: binary multiples, in octets. Fails with errc::usage.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);

/// Text without the spaces, tabs and line ends around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// The pieces between single separators, empty ones included: `a,,b` has three.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The pieces between runs of spaces and tabs; never an empty one.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);

/// ASCII only; octets from 0x80 stay.
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);

/// A well-formed UTF-8 sequence (RFC 3629 §4): its length in octets, 1 to 4, and its code point.
struct utf8_sequence {
  std::size_t length = 0;
  std::uint32_t code_point = 0;
};

/// The sequence at the start of `text`, which is not empty; its length is 0 where that is none.
[[nodiscard]] utf8_sequence decode_utf8(std::string_view text) noexcept;

/// All of the text is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Peers' bytes made safe for a terminal or a log line: control characters and what is not UTF-8 become
/// `\n`, `\t`, `\x1b`; a backslash is doubled. Printable UTF-8 stays, except the C1 controls and the
/// bidirectional overrides, which terminals act on. At most `limit` octets of the input are shown,
/// then `…`.
[[nodiscard]] std::string escape(std::string_view text, std::size_t limit = std::string_view::npos);

/// Whether escape() would leave it alone, backslashes aside.
[[nodiscard]] bool is_harmless(std::string_view text) noexcept;

/// The candidate with the least edit distance, if it is near enough to be meant; else empty.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Words filled into lines of at most `width` columns, each line `indent` columns in; line ends in the text
/// stay. `used` columns of the first line are taken already. A word wider than a line has one to itself.
[[nodiscard]] std::string fill(std::string_view text, std::size_t width, std::size_t indent = 0, std::size_t used = 0);

/// Columns on a screen, near enough: a character each. Controls must have been escaped.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;

/// At most so many columns of the text; where it has more, the last one is `…`. 0 columns: nothing.
[[nodiscard]] std::string cut_to_columns(std::string_view text, std::size_t columns);

/// `1 request`, `2 requests`.
[[nodiscard]] std::string count_of(std::uint64_t number, std::string_view noun);

}  // namespace netlab
