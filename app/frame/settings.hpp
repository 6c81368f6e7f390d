// SPDX-License-Identifier: MIT
// Option values from the environment and the configuration file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ini.hpp"
#include "frame/command.hpp"

namespace netlab::app {

/// A value and its origin.
struct setting {
  std::string value;
  std::string origin;  ///< `NETLAB_CALC_SERVE_PORT`, `/home/x/.config/netlab/config:3`
};

class settings {
 public:
  using environment = std::function<std::optional<std::string>(const std::string& name)>;

  /// Reads the configuration file: $NETLAB_CONFIG (empty: none), else $XDG_CONFIG_HOME/netlab/config, else
  /// ~/.config/netlab/config; the last two may be missing. Every section and key in it must be known. Fails with
  /// errc::bad_configuration and `FILE:LINE: …`.
  [[nodiscard]] static result<settings> load(environment from);

  /// For tests: takes a text instead of the file.
  [[nodiscard]] static result<settings> parse(environment from, std::string_view text, const std::string& file);

  /// The values of an option: from the environment if set there, else from the file, else none. In a variable, a
  /// repeatable option has one value per line; in the file, its key is repeated.
  [[nodiscard]] std::vector<setting> find(const action& of, const option& which) const;

  /// `NETLAB_CALC_QUERY_PROT is ignored: …`: a line for each environment variable that looks like an option but is not.
  [[nodiscard]] static std::vector<std::string> ignored_variables();

 private:
  environment environment_;
  std::string file_;
  std::vector<ini_entry> entries_;
};

/// `NETLAB_CALC_SERVE_IDLE_TIMEOUT`.
[[nodiscard]] std::string variable_name(const action& of, const option& which);

}  // namespace netlab::app
