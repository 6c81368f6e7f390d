// SPDX-License-Identifier: MIT
// Reads the lines of a JSON report back.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "scan/finding.hpp"

namespace netlab::scan {

using report_line = std::variant<finding, scan_summary>;

/// One line of a report made with --json, by this or an older version. Times are in whole microseconds there; nothing
/// else is lost. Fails with errc::bad_data if it is not such a line.
[[nodiscard]] result<report_line> parse_report_line(std::string_view line);

}  // namespace netlab::scan
