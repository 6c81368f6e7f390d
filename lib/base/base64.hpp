// SPDX-License-Identifier: MIT
// Base64 with padding (RFC 4648 §4).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace netlab {

/// One line, padded.
[[nodiscard]] std::string encode_base64(bytes_view octets);

/// Accepts line ends and blanks between groups, refuses any other character, wrong padding and left-over
/// bits that are not 0 (RFC 4648 §3.5): errc::bad_data.
[[nodiscard]] result<bytes> decode_base64(std::string_view text);

}  // namespace netlab
