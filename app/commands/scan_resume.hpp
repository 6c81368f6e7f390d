// SPDX-License-Identifier: MIT
// netlab scan --resume: keeps the state of a scan in a file, so that another run can continue it.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "frame/cli.hpp"
#include "frame/exit_status.hpp"
#include "scan/io/state_file.hpp"
#include "scan/state.hpp"

namespace netlab::app {

/// The state of this scan, and its file.
class scan_resume {
 public:
  /// Opens the file that --resume names; fails as state_file::open(), or with errc::bad_data if this version cannot
  /// continue from it. In a later run, adds the options and targets of the first run to `args`. Fails with
  /// errc::bad_configuration, naming the option, if an option is given with another value.
  [[nodiscard]] static result<scan_resume> open(arguments& args);

  /// True in the first run.
  [[nodiscard]] bool is_new() const noexcept { return is_new_; }
  /// The file's name, escaped.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The name of the file beside it that keeps the findings.
  [[nodiscard]] std::string findings_name() const { return raw_name_ + ".findings"; }

  scan::scan_state state;

  /// Writes the state to the file. Fails with errc::output_lost.
  [[nodiscard]] result<void> save();

 private:
  std::string raw_name_;
  std::string name_;
  scan::state_file file_;
  bool is_new_ = true;
};

}  // namespace netlab::app
