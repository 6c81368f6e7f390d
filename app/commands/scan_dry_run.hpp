// SPDX-License-Identifier: MIT
// netlab scan --dry-run: prints the probes instead of sending them.
#pragma once

#include "commands/scan_session.hpp"
#include "frame/console.hpp"
#include "frame/exit_status.hpp"
#include "scan/plan.hpp"
#include "scan/targets.hpp"

namespace netlab::app {

/// A line for each probe: the planned time in seconds, or `-` without --rate, transport, address and port.
[[nodiscard]] exit_status print_probes(const scan::scan_plan& plan, const scan::target_set& targets,
                                       const scan_report_options& shown, console& out);

}  // namespace netlab::app
