// SPDX-License-Identifier: MIT
// Port lists as people write them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::scan {

/// `1-50,80,443,8000-`, `-1023`, `all`: ascending, none twice, never empty. `8000-` ends at 65535, `-1023`
/// begins at 1. Fails with errc::usage and the cure.
[[nodiscard]] result<std::vector<std::uint16_t>> parse_ports(std::string_view text);

}  // namespace netlab::scan
