// SPDX-License-Identifier: MIT
// netlab scan --merge: merges the reports of several parts into one.
#pragma once

#include <string>
#include <vector>

#include "commands/scan_session.hpp"
#include "frame/console.hpp"
#include "frame/exit_status.hpp"

namespace netlab::app {

/// Reads JSON reports, `-` for stdin, prints missing parts on stderr, and writes the merged report.
[[nodiscard]] exit_status merge_reports(const std::vector<std::string>& files, const scan_report_options& shown,
                                        console& out);

}  // namespace netlab::app
