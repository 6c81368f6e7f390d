// SPDX-License-Identifier: MIT
// Peers' octets made safe for the file that they stand in.
#pragma once

#include <string>
#include <string_view>

namespace netlab::scan {

/// A JSON string with its quotes; what is not UTF-8 becomes U+FFFD. What a terminal acts on, or a reader takes for the
/// end of a line, is escaped (`\u2028`), as escape() does it.
[[nodiscard]] std::string json_string(std::string_view octets);

/// An XML attribute's value without its quotes. XML has no way to write most control characters: they, and what is
/// not UTF-8, become `\x1b`, as in escape().
[[nodiscard]] std::string xml_attribute(std::string_view octets);

/// A field of RFC 4180, quoted if need be; control characters as in escape(). A field that a spreadsheet would take
/// for a formula (it begins with = + - @) gets an apostrophe before it.
[[nodiscard]] std::string csv_field(std::string_view octets);

}  // namespace netlab::scan
