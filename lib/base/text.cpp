// SPDX-License-Identifier: MIT
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/scan.hpp"

namespace netlab {
namespace {

constexpr bool acts_on_terminal(std::uint32_t code_point) noexcept {
  return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f)  // C0, DEL, C1
         || code_point == 0x2028 || code_point == 0x2029                  // line, paragraph separator
         || (code_point >= 0x202a && code_point <= 0x202e)                // bidirectional embedding
         || (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0x061c || code_point == 0x200e ||
         code_point == 0x200f || code_point == 0xfeff;
}

// Damerau-Levenshtein distance: swapping two neighbours, the most common typing error, counts as one edit.
std::size_t edit_distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> last(other.size() + 1);
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= one.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t substituted = last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({substituted, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

utf8_sequence decode_utf8(std::string_view text) noexcept {
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = octet(0);
  std::size_t length = 0;
  std::uint32_t code_point = 0;
  std::uint32_t least = 0;
  if (first < 0x80) return {1, first};
  if ((first & 0xe0) == 0xc0) {
    length = 2;
    code_point = first & 0x1f;
    least = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3;
    code_point = first & 0x0f;
    least = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4;
    code_point = first & 0x07;
    least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (std::size_t at = 1; at < length; ++at) {
    if ((octet(at) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (octet(at) & 0x3fU);
  }
  if (code_point < least || code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) return {};
  return {length, code_point};
}

result<std::uint64_t> parse_number(std::string_view text, std::string_view name, std::uint64_t least,
                                   std::uint64_t most) {
  const auto value = parse_integer<std::uint64_t>(text);
  if (!value || *value < least || *value > most)
    return fail(errc::usage, fmt::format("{} '{}' is not a number from {} to {}", name, escape(text, 80), least, most));
  return *value;
}

result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view digits = text;
  unsigned shift = 0;
  if (!digits.empty()) {
    switch (digits.back()) {
      case 'k':
      case 'K': shift = 10; break;
      case 'M': shift = 20; break;
      case 'G': shift = 30; break;
      default: break;
    }
    if (shift != 0) digits.remove_suffix(1);
  }
  const auto number = parse_integer<std::uint64_t>(digits);
  if (!number || *number > (std::numeric_limits<std::uint64_t>::max() >> shift))
    return fail(errc::usage, fmt::format("'{}' is not a size", escape(text, 80)), "write 1500, 64k or 10M");
  return *number << shift;
}

std::string_view trim(std::string_view text) noexcept {
  const auto is_space = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !is_blank(text[end])) ++end;
    found.push_back(text.substr(at, end - at));
    at = end;
  }
  return found;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

bool equal_in_any_case(std::string_view one, std::string_view other) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

std::string to_hex(bytes_view octets, std::string_view between) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * (2 + between.size()));
  for (const std::byte each : octets) {
    if (!text.empty()) text += between;
    text += digits[std::to_integer<std::size_t>(each) >> 4];
    text += digits[std::to_integer<std::size_t>(each) & 15];
  }
  return text;
}

std::optional<char> decode_hex_pair(std::string_view text) noexcept {
  if (text.size() < 2) return std::nullopt;
  const auto value = parse_integer<unsigned>(text.substr(0, 2), 16);
  return value ? std::optional(static_cast<char>(*value)) : std::nullopt;
}

std::string escape(std::string_view text, std::size_t limit) {
  std::string shown;
  const bool cut = text.size() > limit;
  if (cut) text = text.substr(0, limit);
  shown.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain =
        length_before(text, [](auto octet) { return (octet < 0x20) | (octet >= 0x7f) | (octet == '\\'); });
    shown += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const utf8_sequence next = decode_utf8(text);
    if (next.length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (next.code_point == '\\') {
      shown += "\\\\";
    } else if (next.code_point == '\n') {
      shown += "\\n";
    } else if (next.code_point == '\r') {
      shown += "\\r";
    } else if (next.code_point == '\t') {
      shown += "\\t";
    } else if (acts_on_terminal(next.code_point)) {
      for (const char c : text.substr(0, next.length)) shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      shown += text.substr(0, next.length);
    }
    text.remove_prefix(next.length);
  }
  if (cut) shown += "…";
  return shown;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    // Most text is ASCII, so check several words at once.
    std::array<std::uint64_t, 4> octets{};
    while (text.size() >= sizeof octets) {
      std::memcpy(octets.data(), text.data(), sizeof octets);
      if (((octets[0] | octets[1] | octets[2] | octets[3]) & 0x8080808080808080) != 0) break;
      text.remove_prefix(sizeof octets);
    }
    while (!text.empty() && static_cast<unsigned char>(text.front()) < 0x80) text.remove_prefix(1);
    if (text.empty()) return true;
    const utf8_sequence next = decode_utf8(text);
    if (next.length == 0) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

bool is_harmless(std::string_view text) noexcept {
  while (!text.empty()) {
    const utf8_sequence next = decode_utf8(text);
    if (next.length == 0 || acts_on_terminal(next.code_point)) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || word.size() < 2) return best;
  for (const std::string_view candidate : candidates)  // `opt` finds `options`
    if (candidate.starts_with(word)) return candidate;
  return best;
}

std::string fill(std::string_view text, std::size_t width, std::size_t indent, std::size_t used) {
  std::string out;
  for (const std::string_view paragraph : split(text, '\n')) {
    if (paragraph.data() != text.data()) {
      out += '\n';
      used = 0;
    }
    bool at_start = true;
    for (const std::string_view word : words(paragraph)) {
      if (!at_start && used + 1 + columns_of(word) > width) {
        out += '\n';
        used = 0;
        at_start = true;
      }
      if (!at_start) {
        out += ' ';
        ++used;
      } else if (used == 0) {
        out.append(indent, ' ');
        used = indent;
      }
      out += word;
      used += columns_of(word);
      at_start = false;
    }
  }
  return out;
}

std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char each) { return (static_cast<unsigned char>(each) & 0xc0) != 0x80; }));
}

std::string cut_to_columns(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t end = 0;
  for (std::size_t column = 0; column + 1 < columns; ++column) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string count_of(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace netlab
