// SPDX-License-Identifier: MIT
// Converts text in the character sets of mail to UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace netlab::mail {

/// Always valid UTF-8: octets that mean nothing in the character set become U+FFFD. A character set that is not
/// known is read as UTF-8. The name's case does not matter; an empty name is UTF-8, too.
[[nodiscard]] std::string to_utf8(std::string_view octets, std::string_view charset);

}  // namespace netlab::mail
