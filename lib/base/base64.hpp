// SPDX-License-Identifier: MIT
// Base64 (RFC 4648 §4) and its variant for URLs and file names (§5).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace netlab {

/// One line, with padding.
[[nodiscard]] std::string encode_base64(bytes_view octets);

/// One line of letters, digits, - and _, without padding (RFC 4648 §3.2): what a URL can hold as it is.
[[nodiscard]] std::string encode_base64url(bytes_view octets);

/// Accepts line ends and blanks between groups of four characters. Fails with errc::bad_data on any other character,
/// wrong padding, and unused bits that are not 0 (RFC 4648 §3.5).
[[nodiscard]] result<bytes> decode_base64(std::string_view text);

}  // namespace netlab
