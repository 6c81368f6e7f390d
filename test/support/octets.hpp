// SPDX-License-Identifier: MIT
// A notation for octets in tests: hexadecimal digits, with quoted text between them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/text.hpp"

namespace netlab::test {

/// The octets of `00000001 'SUM' 02 ffffffff`. Throws if the notation is invalid.
inline std::string octets(std::string_view notation) {
  std::string out;
  for (std::size_t at = 0; at < notation.size();) {
    if (notation[at] == ' ') {
      ++at;
    } else if (notation[at] == '\'') {
      const std::size_t end = notation.find('\'', at + 1);
      if (end == std::string_view::npos) throw std::invalid_argument("octets: a quote stands alone");
      out += notation.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      const auto octet = decode_hex_pair(notation.substr(at));
      if (!octet) throw std::invalid_argument("octets: neither two hexadecimal digits nor quoted text");
      out += *octet;
      at += 2;
    }
  }
  return out;
}

/// The inverse, for readable comparisons.
inline std::string hex(std::string_view from) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char each : from) {
    const auto octet = static_cast<unsigned char>(each);
    if (!out.empty()) out += ' ';
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}
inline std::string hex(bytes_view from) { return hex(as_text(from)); }

}  // namespace netlab::test
