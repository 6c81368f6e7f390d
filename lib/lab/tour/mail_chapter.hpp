// SPDX-License-Identifier: MIT
// Exercise 3 of the lab: mail, by hand and by program.
#pragma once

#include "lab/tour/step.hpp"

namespace netlab::lab {

[[nodiscard]] std::vector<std::string_view> mail_titles();
[[nodiscard]] step_result tell_mail(narrator& tell);

inline constexpr chapter mail_chapter{"Mail, and who sent it", mail_titles, tell_mail};

}  // namespace netlab::lab
