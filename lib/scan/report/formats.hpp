// SPDX-License-Identifier: MIT
// One report per file; make_report() chooses.
#pragma once

#include <memory>

#include "scan/report/report.hpp"

namespace netlab::scan {

[[nodiscard]] std::unique_ptr<report> make_table_report(report_options options, report_sink sink);
[[nodiscard]] std::unique_ptr<report> make_json_report(report_options options, report_sink sink);
[[nodiscard]] std::unique_ptr<report> make_csv_report(report_options options, report_sink sink);
[[nodiscard]] std::unique_ptr<report> make_nmap_xml_report(report_options options, report_sink sink);
[[nodiscard]] std::unique_ptr<report> make_grepable_report(report_options options, report_sink sink);

}  // namespace netlab::scan
