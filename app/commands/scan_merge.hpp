// SPDX-License-Identifier: MIT
// netlab scan --merge: one report of the reports of several parts.
#pragma once

#include <string>
#include <vector>

#include "commands/scan_session.hpp"
#include "frame/console.hpp"
#include "frame/exit_status.hpp"

namespace netlab::app {

/// Reads JSON reports, `-` for stdin, names on stderr what is missing, and writes a report of the union.
[[nodiscard]] exit_status merge_reports(const std::vector<std::string>& files, const scan_report_options& shown,
                                        console& out);

}  // namespace netlab::app
