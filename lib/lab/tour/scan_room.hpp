// SPDX-License-Identifier: MIT
// The servers of exercise 2: those of exercise 1, and closed and silent ports.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lab/tour/classroom.hpp"
#include "lab/tour/odd_ports.hpp"
#include "lab/tour/step.hpp"
#include "scan/io/scan_host.hpp"

namespace netlab::lab {

using port_list = std::vector<std::uint16_t>;
using findings = std::vector<scan::finding>;

/// The timeout of scans of silent ports.
inline constexpr auto scan_silence = std::chrono::milliseconds(150);
/// The message that netlab scan sends.
inline constexpr std::string_view scan_message = "netlab scan\r\n";

class scan_room : public classroom {
 public:
  using classroom::classroom;
  /// Starts the servers, opens `silent` silent ports, and reserves a closed one.
  [[nodiscard]] step_result open(std::size_t silent);

  [[nodiscard]] std::uint16_t closed_at() const { return closed_->number(); }
  [[nodiscard]] std::uint16_t silent_at() const { return silent_.front().number(); }
  [[nodiscard]] port_list silent_ports() const;

  /// Shows a command as a user would type it: `words`, then the ports.
  void show_scan(std::string_view words, const port_list& ports);
  /// Shows the findings as netlab scan does. `stop_reason`: why the scan stopped early; empty: it did not.
  void show(const findings& found, bool verbose, std::string stop_reason = {});

 private:
  std::optional<closed_port> closed_;
  std::vector<silent_port> silent_;
};

/// A scan of 127.0.0.1 without banners.
[[nodiscard]] scan::host_scan scan_of(port_list tcp, port_list udp, duration timeout = patience);

/// Runs the scan in a thread, because it has an event loop of its own. Cancelling the tour stops the scan.
[[nodiscard]] asio::awaitable<result<findings>> run_scan(scan::host_scan options, scan::stop_condition until = {});

/// True if the findings include this one.
[[nodiscard]] bool has(const findings& all, scan::transport protocol, std::uint16_t port, scan::port_state state,
                       scan::reason why);
/// True if exactly one port was scanned and has this error on Linux and on Windows.
[[nodiscard]] bool is_error(const findings& all, int system_error, int winsock);

// scan_tcp.cpp
[[nodiscard]] step_result handshake(scan_room& in);
[[nodiscard]] step_result refusal(scan_room& in);
[[nodiscard]] step_result tcp_silence(scan_room& in);
[[nodiscard]] step_result in_parallel(scan_room& in);
[[nodiscard]] step_result messages(scan_room& in);
[[nodiscard]] step_result stopped_early(scan_room& in);

// scan_udp.cpp
[[nodiscard]] step_result over_udp(scan_room& in);
[[nodiscard]] step_result silence_or_icmp(scan_room& in);
[[nodiscard]] step_result udp_silence(scan_room& in);
[[nodiscard]] step_result unmoved(scan_room& in);
[[nodiscard]] step_result echoed(scan_room& in);
[[nodiscard]] step_result open_ports(scan_room& in);

}  // namespace netlab::lab
