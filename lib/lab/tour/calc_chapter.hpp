// SPDX-License-Identifier: MIT
// Exercise 1 of the lab: the calculation server and its clients.
#pragma once

#include "lab/tour/step.hpp"

namespace netlab::lab {

[[nodiscard]] std::vector<std::string_view> calc_titles();
[[nodiscard]] step_result tell_calc(narrator& tell);

inline constexpr chapter calc_chapter{"A calculation server and its clients", calc_titles, tell_calc};

}  // namespace netlab::lab
