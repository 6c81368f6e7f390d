// SPDX-License-Identifier: MIT
// Parses a command line with an environment and a configuration file, without a process.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "frame/cli.hpp"
#include "frame/command.hpp"
#include "frame/settings.hpp"

namespace netlab::test {

/// netlab's own action with this path, such as `calc serve`.
inline const app::action& action_of(std::string_view path) {
  for (const app::command& each : app::commands())
    for (const app::action& one : each.actions)
      if (one.path == path) return one;
  throw std::invalid_argument("no such action: " + std::string(path));
}

struct surroundings {
  std::map<std::string, std::string> variables = {};
  std::string file = {};  ///< the text of the file
};

inline app::settings::environment environment_of(std::map<std::string, std::string> variables) {
  return [all = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  };
}

/// The result of parse_arguments() for these words. The settings must be valid.
inline result<app::arguments> call(std::string_view path, const std::vector<std::string>& typed,
                                   const surroundings& around = {}) {
  const auto from = app::settings::parse(environment_of(around.variables), around.file, "/etc/netlab");
  if (!from) throw std::invalid_argument(describe(from.error()));
  return app::parse_arguments(action_of(path), typed, *from);
}

}  // namespace netlab::test
