// SPDX-License-Identifier: MIT
// Exercise 2 of the lab: the port scan.
#pragma once

#include "lab/tour/step.hpp"

namespace netlab::lab {

[[nodiscard]] std::vector<std::string_view> scan_titles();
[[nodiscard]] step_result tell_scan(narrator& tell);

inline constexpr chapter scan_chapter{"A port scan", scan_titles, tell_scan};

}  // namespace netlab::lab
