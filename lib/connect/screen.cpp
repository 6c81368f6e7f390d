// SPDX-License-Identifier: MIT
#include "connect/screen.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/text.hpp"

namespace netlab::connect {
namespace {

/// The number of octets at the end that may be the start of a character, or a CR whose LF has not arrived.
std::size_t unfinished(std::string_view text) {
  if (text.ends_with('\r')) return 1;
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto octet = static_cast<std::uint8_t>(text[text.size() - back]);
    if (octet < 0x80) return 0;
    if (octet < 0xc0) continue;  // a continuation octet
    const std::size_t length = octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2;
    return back < length ? back : 0;
  }
  return 0;
}

/// `piece` has no line ends, tabs and backslashes, which escape() would change.
void append_piece(std::string& to, std::string_view piece) {
  if (!piece.empty()) to += escape(piece);
}

std::string harmless(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char each = text[at];
    const bool is_line_end = each == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
    if (each != '\n' && each != '\t' && each != '\\' && !is_line_end) continue;
    append_piece(shown, text.substr(begin, at - begin));
    if (!is_line_end) shown += each;
    begin = at + 1;
  }
  append_piece(shown, text.substr(begin));
  return shown;
}

}  // namespace

std::string screen::show(std::string_view octets) {
  held_ += octets;
  const std::size_t size = held_.size() - unfinished(held_);
  std::string shown = harmless(std::string_view(held_).substr(0, size));
  held_.erase(0, size);
  return shown;
}

std::string screen::rest() { return harmless(std::exchange(held_, {})); }

}  // namespace netlab::connect
