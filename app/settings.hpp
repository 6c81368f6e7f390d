// SPDX-License-Identifier: MIT
// Option values that stand in the environment or in the configuration file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ini.hpp"
#include "command.hpp"

namespace netlab::app {

/// One value, and where it stands.
struct setting {
  std::string value;
  std::string origin;  ///< `NETLAB_CALC_SERVE_PORT`, `/home/x/.config/netlab/config:3`
};

class settings {
 public:
  using environment = std::function<std::optional<std::string>(const std::string& name)>;

  /// Reads the configuration file: $NETLAB_CONFIG (empty: none), else $XDG_CONFIG_HOME/netlab/config, else
  /// ~/.config/netlab/config; the last two may be missing. Every section and key in it must be known. Fails
  /// with errc::bad_configuration and `FILE:LINE: …`.
  [[nodiscard]] static result<settings> load(environment from);

  /// For tests: the text of a file in place of the file.
  [[nodiscard]] static result<settings> parse(environment from, std::string_view text, const std::string& file);

  /// What stands for an option: the environment if it has it, else the file, else nothing. In a variable,
  /// a repeatable option has one value a line; in the file, its key comes again.
  [[nodiscard]] std::vector<setting> find(const action& of, const option& which) const;

  /// `NETLAB_CALC_QUERY_PROT is ignored: …`: the variables of the process that look like options and are not, a line
  /// each.
  [[nodiscard]] static std::vector<std::string> ignored_variables();

 private:
  environment environment_;
  std::string file_;
  std::vector<ini_entry> entries_;
};

/// `NETLAB_CALC_SERVE_IDLE_TIMEOUT`.
[[nodiscard]] std::string variable_name(const action& of, const option& which);

}  // namespace netlab::app
