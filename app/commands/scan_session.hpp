// SPDX-License-Identifier: MIT
// Runs a scan for the command: report, progress and exit status.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "commands/scan_output.hpp"
#include "commands/scan_resume.hpp"
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

/// The command line, for nmap's formats.
[[nodiscard]] std::string command_line();

/// A scan's report; its targets are scanned in one round or two.
class scan_session {
 public:
  /// References must outlive it. `max_time`: as typed, for the message when `deadline` has passed.
  /// `resume`: where the state is kept, and continued from; null: no state.
  scan_session(const scan::scan_plan& plan, scan_report_options shown, const scan::service_names& services,
               time_point deadline, std::string max_time, scan_resume* resume, console& out);

  /// `targets`: the number of addresses of all rounds, as far as known, without those that are skipped.
  [[nodiscard]] result<void> begin(std::uint64_t targets);

  /// Scans some targets. Returns false if the scan has ended early; the summary then has the reason.
  [[nodiscard]] result<bool> round(const scan::target_set& targets);

  void interrupted_by(int signal);
  void incomplete(std::string why);

  /// Targets that could not be scanned, and were reported.
  void add_failed_targets(std::size_t count) noexcept { failed_targets_ += count; }

  /// Writes the rest of the report.
  [[nodiscard]] exit_status finish();

 private:
  [[nodiscard]] scan::scan_output make_output(const scan::target_set& targets);
  void add(const scan::finding& found);
  /// A part's summary has its hosts, because those whose ports are all closed are not in its findings.
  void name_hosts(const scan::target_set& targets);
  [[nodiscard]] result<void> open_files();
  /// Adds the findings of earlier runs to the report.
  [[nodiscard]] result<void> replay_findings();
  void keep_state(const scan::scan_checkpoint& reached);
  [[nodiscard]] exit_status status_of_end();
  [[nodiscard]] exit_status finish_state(exit_status status);

  const scan::scan_plan& plan_;
  scan_report_options shown_;
  const scan::service_names& services_;
  time_point deadline_;
  std::string max_time_;
  scan_resume* resume_;
  console& out_;
  report_output file_;
  report_output findings_;  // of a resumable scan whose report cannot be appended to
  std::unique_ptr<scan::report> findings_report_;
  bool is_muted_ = false;   // the file already has what the report writes now
  bool was_save_refused_ = false;
  std::unique_ptr<scan::report> report_;
  time_point began_;
  progress_line progress_;
  scan::engine_progress before_;  // of earlier rounds
  scan::scan_summary summary_;
  std::uint64_t all_targets_ = 0;  // of all rounds
  std::uint64_t identity_ = 0;
  local_failures not_asked_;
  std::size_t failed_targets_ = 0;
  int signal_ = 0;
  bool is_out_of_time_ = false;
};

}  // namespace netlab::app
