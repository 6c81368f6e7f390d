// SPDX-License-Identifier: MIT
#include "mail/message/quoted_printable.hpp"

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_quoted_line = 76;  // RFC 2045 §6.7 (5)

}  // namespace

std::string encode_quoted_printable(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\r' && text.substr(at).starts_with("\r\n")) {
      out += "\r\n";
      column = 0;
      ++at;
      continue;
    }
    const std::string_view rest = text.substr(at + 1);
    const bool at_line_end = rest.empty() || rest.starts_with("\r\n");
    // RFC 2045 §6.7 (3): a blank at the end of a line is lost in transport.
    const bool as_it_is = (c > 0x20 && c < 0x7f && c != '=') || (is_blank(c) && !at_line_end);
    const std::size_t needed = as_it_is ? 1 : 3;
    // The last character of a line needs no room for the = of a soft line break.
    if (column + needed > max_quoted_line - (at_line_end ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (as_it_is) {
      out += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out += '=';
      out += digits[octet >> 4];
      out += digits[octet & 15];
    }
    column += needed;
  }
  return out;
}

std::string decode_quoted_printable(std::string_view encoded) {
  std::string octets;
  octets.reserve(encoded.size());
  while (!encoded.empty()) {
    const std::size_t end = encoded.find('\n');
    const bool is_ended = end != std::string_view::npos;
    std::string_view line = encoded.substr(0, end);
    encoded.remove_prefix(is_ended ? end + 1 : encoded.size());
    const bool has_cr = is_ended && line.ends_with('\r');
    if (has_cr) line.remove_suffix(1);
    // RFC 2045 §6.7 (3): transport has added them.
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    const bool is_soft = line.ends_with('=');
    if (is_soft) line.remove_suffix(1);
    for (std::size_t at = 0; at < line.size(); ++at) {
      const auto octet = line[at] == '=' ? decode_hex_pair(line.substr(at + 1)) : std::nullopt;
      octets += octet.value_or(line[at]);
      if (octet) at += 2;
    }
    if (is_ended && !is_soft) octets += has_cr ? "\r\n" : "\n";
  }
  return octets;
}

}  // namespace netlab::mail
