// SPDX-License-Identifier: MIT
#include "scan/report/quote.hpp"

#include <cstddef>
#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::scan {
namespace {

/// The length of the well-formed UTF-8 character at the beginning (Unicode 15, table 3-7), or 0.
std::size_t utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  const auto follows = [&](std::size_t at) { return (octet(at) & 0xC0U) == 0x80U; };
  const unsigned first = octet(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && octet(1) < 0xA0) return 0;  // too long a form
    if (first == 0xED && octet(1) > 0x9F) return 0;  // a surrogate
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && octet(1) < 0x90) return 0;
    if (first == 0xF4 && octet(1) > 0x8F) return 0;  // past U+10FFFF
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string json_string(std::string_view octets) {
  std::string quoted = "\"";
  quoted.reserve(octets.size() + 2);
  while (!octets.empty()) {
    const std::size_t length = utf8_length(octets);
    const char first = octets.front();
    if (length == 0) {
      quoted += "\xEF\xBF\xBD";
    } else if (first == '"' || first == '\\') {
      quoted += '\\';
      quoted += first;
    } else if (first == '\n') {
      quoted += "\\n";
    } else if (first == '\r') {
      quoted += "\\r";
    } else if (first == '\t') {
      quoted += "\\t";
    } else if (static_cast<unsigned char>(first) < 0x20 || first == 0x7F) {
      fmt::format_to(std::back_inserter(quoted), "\\u{:04x}", static_cast<unsigned char>(first));
    } else {
      quoted += octets.substr(0, length);
    }
    octets.remove_prefix(length == 0 ? 1 : length);
  }
  quoted += '"';
  return quoted;
}

std::string xml_attribute(std::string_view octets) {
  const std::string shown = escape(octets);
  std::string safe;
  safe.reserve(shown.size());
  for (std::string_view rest = shown; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    const std::string_view character = rest.substr(0, length == 0 ? 1 : length);
    rest.remove_prefix(character.size());
    if (character == "&") {
      safe += "&amp;";
    } else if (character == "<") {
      safe += "&lt;";
    } else if (character == ">") {
      safe += "&gt;";
    } else if (character == "\"") {
      safe += "&quot;";
    } else if (character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF") {  // U+FFFE, U+FFFF: XML 1.0 §2.2
      safe += "\xEF\xBF\xBD";
    } else {
      safe += character;
    }
  }
  return safe;
}

std::string csv_field(std::string_view octets) {
  std::string shown = escape(octets);
  if (!shown.empty() && std::string_view("=+-@").find(shown.front()) != std::string_view::npos)
    shown.insert(0, 1, '\'');
  if (shown.find_first_of(",\"") == std::string::npos && !shown.starts_with(' ') && !shown.ends_with(' ')) return shown;
  std::string quoted = "\"";
  for (const char c : shown) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

}  // namespace netlab::scan
