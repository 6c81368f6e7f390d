// SPDX-License-Identifier: MIT
// One scan as its user sees it: the report, the progress and the exit status.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "commands/scan_output.hpp"
#include "frame/console.hpp"
#include "frame/exit_status.hpp"
#include "frame/report_output.hpp"
#include "scan/io/engine_loop.hpp"
#include "scan/plan.hpp"
#include "scan/report/report.hpp"
#include "scan/services.hpp"

namespace netlab::app {

struct scan_report_options {
  scan::report_format format = scan::report_format::table;
  bool all = false;       ///< list closed ports, too
  std::string output;     ///< the report's file; empty: stdout
  bool progress = false;  ///< show it on the terminal
};

/// A scan's report; its targets are scanned in one round or two.
class scan_session {
 public:
  /// References must outlive it. `max_time`: as typed, for the message when `deadline` has passed.
  scan_session(const scan::scan_plan& plan, scan_report_options shown, const scan::service_names& services,
               time_point deadline, std::string max_time, console& out);

  /// `targets`: the number of addresses of all rounds, as far as known.
  [[nodiscard]] result<void> begin(std::uint64_t targets);

  /// Scans some targets. Returns false if the scan has ended early; the summary then has the reason.
  [[nodiscard]] result<bool> round(const scan::target_set& targets);

  void interrupted_by(int signal);
  void incomplete(std::string why);

  /// Writes the rest of the report.
  [[nodiscard]] exit_status finish();

 private:
  [[nodiscard]] scan::scan_output make_output(const scan::target_set& targets);

  const scan::scan_plan& plan_;
  scan_report_options shown_;
  const scan::service_names& services_;
  time_point deadline_;
  std::string max_time_;
  console& out_;
  report_output file_;
  std::unique_ptr<scan::report> report_;
  time_point began_;
  progress_line progress_;
  scan::engine_progress before_;  // of earlier rounds
  scan::scan_summary summary_;
  local_failures not_asked_;
  int signal_ = 0;
};

}  // namespace netlab::app
