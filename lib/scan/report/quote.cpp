// SPDX-License-Identifier: MIT
#include "scan/report/quote.hpp"

#include <cstddef>
#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::scan {

std::string json_string(std::string_view octets) {
  std::string quoted = "\"";
  quoted.reserve(octets.size() + 2);
  while (!octets.empty()) {
    const std::size_t length = decode_utf8(octets).length;
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
    } else if (!is_harmless(octets.substr(0, length))) {  // all of them are in the Basic Multilingual Plane
      fmt::format_to(std::back_inserter(quoted), "\\u{:04x}", decode_utf8(octets).code_point);
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
    const std::size_t length = decode_utf8(rest).length;
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
