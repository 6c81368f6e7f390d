// SPDX-License-Identifier: MIT
// netlab scan --resume: a scan whose state is kept in a file, and which another run can finish.
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
  /// Opens the file that --resume names; fails as state_file::open(), or with errc::bad_data if it is not a state that
  /// this version can go on from. In a later run the options and targets of the first one are put into `args`; an
  /// option that is typed again must be the same. Else it fails with errc::bad_configuration, and names the option.
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
