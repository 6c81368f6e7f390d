// SPDX-License-Identifier: MIT
// Reports of a scan in several formats. No sockets, no clock: takes findings, writes text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "scan/finding.hpp"

namespace netlab::scan {

enum class report_format : std::uint8_t { table, json, csv, nmap_xml, grepable };

/// `table`, `json`, `csv`, `nmap-xml`, `grepable`. Fails with errc::usage.
[[nodiscard]] result<report_format> parse_report_format(std::string_view text);

/// What is known before the scan begins.
struct report_heading {
  std::string command_line;     ///< as typed; shown by nmap's formats
  std::string version;          ///< netlab's version
  std::int64_t started = 0;     ///< seconds since 1970, UTC
  std::uint64_t targets = 1;    ///< addresses
  std::string tcp_ports;        ///< `1-50,80`; empty: none
  std::uint64_t tcp_count = 0;  ///< their number
  std::string udp_ports;
  std::uint64_t udp_count = 0;
};

struct report_options {
  bool all = false;      ///< list every port; nothing is summed up
  bool verbose = false;  ///< the table shows errno and Winsock numbers, and more of each reply
  std::function<std::string(std::string_view)> bold = {};  ///< formats the table's headings
};

/// Receives the text of a report, cut anywhere; must outlive the report.
using report_sink = std::function<void(std::string_view)>;

/// Call begin() once, then add() for each port in any order, then finish(). JSON and CSV are written with each
/// finding; the other formats group the ports by host and are written by finish(). Closed ports are only counted
/// unless `all`.
///
/// A scan of more than `many_targets` addresses keeps only open ports and no counts per host: its memory grows with
/// the findings, not with the number of targets.
class report {
 public:
  virtual ~report() = default;
  virtual void begin(const report_heading& heading) = 0;
  virtual void add(const finding& found) = 0;
  virtual void finish(const scan_summary& summary) = 0;
};

inline constexpr std::uint64_t many_targets = 256;  // a /24, about the most that a person reads host by host

/// Whether each silent port of a transport is a finding. Of a stateless scan of many targets they would be too many:
/// without `all` only their number is in the summary.
[[nodiscard]] constexpr bool lists_silent(bool is_stateless, std::uint64_t targets, bool all) noexcept {
  return all || !is_stateless || targets <= many_targets;
}

[[nodiscard]] std::unique_ptr<report> make_report(report_format format, report_options options, report_sink sink);

}  // namespace netlab::scan
