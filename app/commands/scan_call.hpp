// SPDX-License-Identifier: MIT
// What the options of `netlab scan` ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "commands/scan_session.hpp"
#include "commands/scan_targets.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "scan/plan.hpp"
#include "scan/services.hpp"

namespace netlab::app {

struct scan_call {
  target_choice targets;
  scan::scan_plan plan;
  scan_report_options shown;
  std::optional<std::uint64_t> seed;
  std::optional<duration> max_time;
  std::string max_time_text;
  bool dry_run = false;
  bool include_reserved = false;
};

/// Errors are left in args.error().
[[nodiscard]] scan_call parse_scan(arguments& args, const console& out, const scan::service_names& services);
/// Reads only the options of the report; errors likewise.
[[nodiscard]] scan_report_options read_scan_report(arguments& args, const console& out);

}  // namespace netlab::app
