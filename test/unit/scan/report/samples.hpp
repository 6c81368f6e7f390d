// SPDX-License-Identifier: MIT
// Sample findings.
#pragma once

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "scan/report/report.hpp"

namespace netlab::test {

inline scan::finding open_port(std::uint16_t port, std::string service = {}) {
  return {.host = "192.0.2.2",
          .address = "192.0.2.2",
          .port = port,
          .state = scan::port_state::open,
          .why = scan::reason::syn_ack,
          .rtt = std::chrono::microseconds(90),
          .service = std::move(service)};
}

inline scan::finding closed_port(std::uint16_t port) {
  return {.host = "192.0.2.2",
          .address = "192.0.2.2",
          .port = port,
          .state = scan::port_state::closed,
          .why = scan::reason::reset,
          .system_error = ECONNREFUSED};
}

inline scan::finding filtered_port(std::uint16_t port) {
  return {.host = "192.0.2.2",
          .address = "192.0.2.2",
          .port = port,
          .state = scan::port_state::filtered,
          .why = scan::reason::no_response,
          .system_error = ETIMEDOUT};
}

inline scan::finding udp_port(std::uint16_t port, scan::port_state state, scan::reason why) {
  return {.host = "192.0.2.2",
          .address = "192.0.2.2",
          .protocol = scan::transport::udp,
          .port = port,
          .state = state,
          .why = why};
}

inline const scan::report_heading heading{.command_line = "netlab scan tcp --host 192.0.2.2 --range 1-50",
                                          .version = "0.1.0",
                                          .started = 1'700'000'000,
                                          .targets = 1,
                                          .tcp_ports = "1-50",
                                          .tcp_count = 50};

/// The report of these findings; the counts are computed from them.
inline std::string reported(scan::report_format format, const std::vector<scan::finding>& findings,
                            scan::report_options options = {}, scan::report_heading with = heading,
                            std::string because = {}, bool is_syn = false) {
  std::string text;
  const auto report = scan::make_report(format, std::move(options), [&text](std::string_view piece) { text += piece; });
  scan::scan_summary summary{.targets = with.targets,
                             .tcp_ports = with.tcp_count,
                             .udp_ports = with.udp_count,
                             .elapsed = std::chrono::milliseconds(400),
                             .complete = because.empty(),
                             .incomplete_because = std::move(because),
                             .is_syn = is_syn};
  report->begin(with);
  for (const scan::finding& one : findings) {
    ++summary.by_state[static_cast<std::size_t>(one.state)];
    report->add(one);
  }
  report->finish(summary);
  return text;
}

/// Octets that need escaping, some of them in each format.
inline const std::string hostile = std::string("=\"a\",<b>&'\x1b]0;x\x07\r\n\\ \xc3\xa4\xff") + '\0';

}  // namespace netlab::test
