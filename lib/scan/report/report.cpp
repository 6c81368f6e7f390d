// SPDX-License-Identifier: MIT
#include "scan/report/report.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/report/formats.hpp"

namespace netlab::scan {
namespace {

constexpr std::array format_names = std::to_array<std::pair<std::string_view, report_format>>({
    {"table", report_format::table},
    {"json", report_format::json},
    {"csv", report_format::csv},
    {"nmap-xml", report_format::nmap_xml},
    {"grepable", report_format::grepable},
});

}  // namespace

result<report_format> parse_report_format(std::string_view text) {
  for (const auto& [name, format] : format_names)
    if (name == text) return format;
  return fail(errc::usage, fmt::format("unknown format '{}'", escape(text, 80)),
              "write table, json, csv, nmap-xml or grepable");
}

std::unique_ptr<report> make_report(report_format format, report_options options, report_sink sink) {
  switch (format) {
    case report_format::json: return make_json_report(std::move(options), std::move(sink));
    case report_format::csv: return make_csv_report(std::move(options), std::move(sink));
    case report_format::nmap_xml: return make_nmap_xml_report(std::move(options), std::move(sink));
    case report_format::grepable: return make_grepable_report(std::move(options), std::move(sink));
    case report_format::table: break;
  }
  return make_table_report(std::move(options), std::move(sink));
}

}  // namespace netlab::scan
