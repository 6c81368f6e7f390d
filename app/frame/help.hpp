// SPDX-License-Identifier: MIT
// The descriptions in command.hpp as text for a terminal, and as JSON for the generators of man pages and completions.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "frame/command.hpp"

namespace netlab::app {

inline constexpr std::size_t help_width = 80;  // columns

/// `netlab help`: one line per command.
[[nodiscard]] std::string overview();
/// `netlab help calc`: the verbs of a command, or the full help of a command without verbs.
[[nodiscard]] std::string help_for(const command& which);
/// `netlab help calc serve`: usage, options, examples.
[[nodiscard]] std::string help_for(const action& which);

/// Everything in command.hpp.
[[nodiscard]] nlohmann::ordered_json describe_all();

/// `netlab 0.1.0` and the versions of its libraries.
[[nodiscard]] std::string version_text();

}  // namespace netlab::app
