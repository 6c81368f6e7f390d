// SPDX-License-Identifier: MIT
// Quotes octets from peers for each output format.
#pragma once

#include <string>
#include <string_view>

namespace netlab::scan {

/// A JSON string with its quotes; invalid UTF-8 becomes U+FFFD. Characters that act on a terminal or end a line for
/// some readers are escaped (`\u2028`), as by escape().
[[nodiscard]] std::string json_string(std::string_view octets);

/// An XML attribute value without its quotes. XML cannot represent most control characters: they and invalid UTF-8
/// become `\x1b`, as by escape().
[[nodiscard]] std::string xml_attribute(std::string_view octets);

/// A field as in RFC 4180, quoted if necessary; control characters as by escape(). A field that a spreadsheet would
/// take for a formula (it begins with = + - @) gets an apostrophe in front.
[[nodiscard]] std::string csv_field(std::string_view octets);

}  // namespace netlab::scan
