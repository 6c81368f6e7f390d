// SPDX-License-Identifier: MIT
// Fields with parameters (RFC 2045 §5.1, 2183, 2231), such as Content-Type, read liberally.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace netlab::mail {

struct content_field {
  std::string value;                              ///< before the first parameter, in lower case
  std::map<std::string, std::string> parameters;  ///< names in lower case; values in valid UTF-8

  /// Empty if there is no such parameter.
  [[nodiscard]] std::string parameter(const std::string& name) const;
};

/// `text`: the unfolded body of a field, as it came. Sections and extended values (RFC 2231) are put together; encoded
/// words in values are decoded, too, because many programs write them. Of two parameters of one name, the first counts.
[[nodiscard]] content_field parse_content_field(std::string_view text);

/// The octets of a parameter's value, without decoding it: for boundaries.
[[nodiscard]] std::string raw_parameter(std::string_view text, std::string_view name);

}  // namespace netlab::mail
