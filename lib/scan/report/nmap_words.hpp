// SPDX-License-Identifier: MIT
// nmap's terms and time format, for its report formats.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include <fmt/chrono.h>

#include "scan/finding.hpp"

namespace netlab::scan {

/// nmap's term for a reason; ours if nmap has none. For a closed TCP port it depends on the scan: a half-open scan
/// (`is_syn`) receives the reset itself, connect(2) returns ECONNREFUSED.
[[nodiscard]] constexpr std::string_view nmap_reason(transport protocol, reason why, bool is_syn = false) noexcept {
  switch (why) {
    case reason::syn_ack: return "syn-ack";
    case reason::reset:
      if (protocol == transport::udp) return "port-unreach";
      return is_syn ? "reset" : "conn-refused";
    case reason::no_response: return "no-response";
    case reason::port_unreachable: return "port-unreach";
    case reason::admin_prohibited: return "admin-prohibited";
    case reason::host_unreachable: return "host-unreach";
    case reason::net_unreachable: return "net-unreach";
    case reason::proto_unreachable: return "proto-unreach";
    case reason::reply: return "udp-response";
    case reason::rate_limited: return "rate-limited";
    case reason::not_finished: return "not-finished";
    case reason::local_error: break;
  }
  return "local-error";
}

/// `Thu Nov 22 18:00:00 2026`, UTC.
[[nodiscard]] inline std::string nmap_time(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return {};
  return fmt::format("{:%a %b %d %H:%M:%S %Y}", parts);
}

}  // namespace netlab::scan
