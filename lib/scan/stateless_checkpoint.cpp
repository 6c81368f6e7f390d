// SPDX-License-Identifier: MIT
#include "scan/stateless_checkpoint.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/stateless_sweep.hpp"

namespace netlab::scan {
namespace {

// `next;first+size*attempts/expired:word,word…;…`: decimal numbers, the words in hexadecimal digits; a run of equal
// words is `word^count`, because in most parts either all or none of the places are finished.

unexpected<failure> bad_checkpoint() { return fail(errc::bad_data, "the position of the scan is damaged"); }

/// Takes the digits up to `end`, which must follow.
std::optional<std::uint64_t> take_number(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const auto number = parse_integer<std::uint64_t>(text.substr(0, at));
  text.remove_prefix(at + 1);
  return number;
}

bool read_words(std::string_view text, std::size_t wanted, std::vector<std::uint64_t>& to) {
  for (const std::string_view piece : split(text, ',')) {
    const std::size_t run = piece.find('^');
    std::uint64_t word = 0;
    const std::string_view digits = piece.substr(0, run);
    if (digits.empty() || digits.size() > 16) return false;
    for (const char digit : digits) {
      const auto value = std::string_view("0123456789abcdef").find(digit);
      if (value == std::string_view::npos) return false;
      word = word << 4 | value;
    }
    std::uint64_t count = 1;
    if (run != std::string_view::npos) {
      const auto number = parse_integer<std::uint64_t>(piece.substr(run + 1));
      if (!number) return false;
      count = *number;
    }
    if (count == 0 || count > wanted - to.size()) return false;
    to.insert(to.end(), count, word);
  }
  return to.size() == wanted;
}

}  // namespace

std::string to_text(const stateless_checkpoint& of) {
  std::string text = fmt::format("{}", of.next);
  const auto out = std::back_inserter(text);
  for (const stateless_checkpoint::part& each : of.parts) {
    fmt::format_to(out, ";{}+{}*{}/{}:", each.first, each.size, each.attempts, each.expired);
    for (auto at = each.finished.begin(); at != each.finished.end();) {
      const auto end = std::find_if(at, each.finished.end(), [&](std::uint64_t word) { return word != *at; });
      if (at != each.finished.begin()) text += ',';
      fmt::format_to(out, "{:x}", *at);
      if (end - at > 1) fmt::format_to(out, "^{}", end - at);
      at = end;
    }
  }
  return text;
}

result<stateless_checkpoint> parse_stateless_checkpoint(std::string_view text) {
  stateless_checkpoint made;
  bool is_first = true;
  std::uint64_t least = 0;
  for (std::string_view piece : split(text, ';')) {
    if (std::exchange(is_first, false)) {
      const auto next = parse_integer<std::uint64_t>(piece);
      if (!next) return bad_checkpoint();
      made.next = *next;
      continue;
    }
    const auto first = take_number(piece, '+');
    const auto size = take_number(piece, '*');
    const auto attempts = take_number(piece, '/');
    const auto expired = take_number(piece, ':');
    if (!first || !size || !attempts || !expired) return bad_checkpoint();
    if (*first < least || *size == 0 || *size > stateless_sweep::max_part || *first > made.next ||
        *size > made.next - *first || *attempts == 0 || *attempts > stateless_sweep::max_attempts || *expired > *size)
      return bad_checkpoint();
    stateless_checkpoint::part& part = made.parts.emplace_back();
    part.first = *first;
    part.size = static_cast<std::uint32_t>(*size);
    part.attempts = static_cast<unsigned>(*attempts);
    part.expired = static_cast<std::uint32_t>(*expired);
    if (!read_words(piece, (*size + 63) / 64, part.finished)) return bad_checkpoint();
    least = *first + *size;
  }
  return made;
}

}  // namespace netlab::scan
