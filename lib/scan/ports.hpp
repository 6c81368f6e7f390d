// SPDX-License-Identifier: MIT
// Port lists as people write them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::scan {

/// `1-50,80,443,8000-`, `-1023`, `all`: ascending, none twice, never empty. `8000-` ends at 65535, `-1023`
/// begins at 1. Fails with errc::usage and the cure.
[[nodiscard]] result<std::vector<std::uint16_t>> parse_ports(std::string_view text);

/// The same list again: `1-50,80`. Empty for none.
[[nodiscard]] std::string to_string(std::span<const std::uint16_t> ascending);

}  // namespace netlab::scan
