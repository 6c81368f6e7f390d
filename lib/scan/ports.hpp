// SPDX-License-Identifier: MIT
// Parses port lists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::scan {

/// `1-50,80,443,8000-`, `-1023`, `all`: ascending, without duplicates, never empty. `8000-` ends at 65535, `-1023`
/// begins at 1. Fails with errc::usage and a hint.
[[nodiscard]] result<std::vector<std::uint16_t>> parse_ports(std::string_view text);

/// The list in the same notation: `1-50,80`. Empty for an empty list.
[[nodiscard]] std::string to_string(std::span<const std::uint16_t> ascending);

}  // namespace netlab::scan
