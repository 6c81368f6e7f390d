// SPDX-License-Identifier: MIT
// The tour's chapters, one for each exercise of the lab. NAME_chapter.cpp has the titles and order of its steps.
// `netlab` is the program's file, for steps that run it; empty: such steps do without.
#pragma once

#include <string>

#include "lab/tour/step.hpp"

namespace netlab::lab {

[[nodiscard]] std::vector<std::string_view> calc_titles();
[[nodiscard]] step_result tell_calc(narrator& tell, std::string netlab);

[[nodiscard]] std::vector<std::string_view> scan_titles();
[[nodiscard]] step_result tell_scan(narrator& tell, std::string netlab);

[[nodiscard]] std::vector<std::string_view> mail_titles();
[[nodiscard]] step_result tell_mail(narrator& tell, std::string netlab);

}  // namespace netlab::lab
