// SPDX-License-Identifier: MIT
// What a scan tells, in the form that its reader wants. No sockets, no clock: findings go in, text comes out.
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

/// What is known before the first packet.
struct report_heading {
  std::string command_line;     ///< as typed; nmap's formats show it
  std::string version;          ///< netlab's
  std::int64_t started = 0;     ///< seconds since 1970, UTC
  std::uint64_t targets = 1;    ///< addresses
  std::string tcp_ports;        ///< `1-50,80`; empty: none
  std::uint64_t tcp_count = 0;  ///< how many that are
  std::string udp_ports;
  std::uint64_t udp_count = 0;
};

struct report_options {
  bool all = false;      ///< every port one by one: nothing is summed up
  bool verbose = false;  ///< the table has the system's and Winsock's error numbers, and more of each reply
  std::function<std::string(std::string_view)> bold = {};  ///< for the table's headings
};

/// Takes text as it becomes ready, any cut of it; it must outlive the report.
using report_sink = std::function<void(std::string_view)>;

/// Once begin(), then add() for each port in any order, then finish(). JSON and CSV go out with each finding; the
/// others, which put a host's ports together, with finish(). Closed ports are counted, and left out unless `all`.
///
/// A scan of more than `many_targets` addresses keeps only what is open, and tells no counts for each host: what it
/// holds grows with what it finds, not with what it asks.
class report {
 public:
  virtual ~report() = default;
  virtual void begin(const report_heading& heading) = 0;
  virtual void add(const finding& found) = 0;
  virtual void finish(const scan_summary& summary) = 0;
};

inline constexpr std::uint64_t many_targets = 256;  // a /24, the largest that a person reads host by host

[[nodiscard]] std::unique_ptr<report> make_report(report_format format, report_options options, report_sink sink);

}  // namespace netlab::scan
