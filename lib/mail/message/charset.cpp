// SPDX-License-Identifier: MIT
#include "mail/message/charset.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t read_at_once = 64 * 1024;

// The number of octets at the end of `text` that are the start of an unfinished UTF-8 sequence.
std::size_t unfinished_at_end(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto octet = static_cast<unsigned char>(text[text.size() - back]);
    if ((octet & 0xc0) == 0x80) continue;
    const std::size_t length = octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : octet >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

// Tabs, line ends and form feeds are text; other controls are not: ESC, for example, switches character sets in ISO
// 2022.
bool has_odd_controls(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7f;
  });
}

}  // namespace

result<std::string_view> charset_of(const source& text) {
  std::string piece(read_at_once, '\0');
  std::size_t kept = 0;  // octets of an unfinished sequence, carried over from the previous piece
  bool all_ascii = true;
  for (std::uint64_t offset = 0;;) {
    const auto length = text.read(offset, std::span(piece).subspan(kept));
    if (!length) return unexpected(length.error());
    if (*length == 0) break;
    offset += *length;
    const std::string_view whole = std::string_view(piece).substr(0, kept + *length);
    kept = unfinished_at_end(whole);
    const std::string_view ready = whole.substr(0, whole.size() - kept);
    if (!is_utf8(ready) || has_odd_controls(ready)) return "";
    all_ascii = all_ascii && is_ascii(whole);
    std::copy(whole.end() - static_cast<std::ptrdiff_t>(kept), whole.end(), piece.begin());
  }
  if (kept != 0) return "";
  return all_ascii ? "us-ascii" : "utf-8";
}

}  // namespace netlab::mail
