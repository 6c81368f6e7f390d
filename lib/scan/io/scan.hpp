// SPDX-License-Identifier: MIT
// Runs a scan: the only place that chooses and combines the engines.
#pragma once

#include "base/result.hpp"
#include "scan/io/engine_loop.hpp"
#include "scan/plan.hpp"
#include "scan/services.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// Asks all ports of all targets and returns when they are known, or when `options` ends the scan early: then ports
/// that were asked but are not known are reported as `unknown`, and ports not asked are left out. Each finding goes to
/// `output` once, in the calling thread. SIGINT and SIGTERM end the scan, and the outcome has the signal. Fails with
/// the system's error, for example if there are no descriptors, and with errc::bad_data if plan.from cannot be a
/// checkpoint of this scan.
[[nodiscard]] result<run_outcome> scan(const scan_plan& plan, const target_set& targets, const service_names& services,
                                       const scan_output& output, const run_options& options);

}  // namespace netlab::scan
