// SPDX-License-Identifier: MIT
// The results of a scan: data passed from engines to reports. No sockets here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "scan/shard.hpp"

namespace netlab::scan {

enum class transport : std::uint8_t { tcp, udp };

/// The state of a port. `open_filtered` (UDP): no answer, although a closed port would have sent one. `unknown`: no
/// answer, which proves nothing because of the target's ICMP rate limit or because the scan ended too early.
enum class port_state : std::uint8_t { open, closed, filtered, open_filtered, unknown };
inline constexpr std::size_t port_state_count = 5;

/// The reason for the state.
enum class reason : std::uint8_t {
  syn_ack,           ///< tcp open: the connection was established
  reset,             ///< tcp closed: RST
  no_response,       ///< no answer to any probe
  port_unreachable,  ///< ICMP 3/3, ICMPv6 1/4
  admin_prohibited,  ///< ICMP 3/9, 3/10, 3/13; ICMPv6 1/1, 1/5, 1/6
  host_unreachable,  ///< ICMP 3/1 and similar, or no answer to ARP or ND; unknown: a local route forbids it
  net_unreachable,   ///< ICMP 3/0, ICMPv6 1/0; unknown: no local route, or the link is down
  proto_unreachable, ///< ICMP 3/2, ICMPv6 parameter problem
  reply,             ///< udp open: the port answered
  rate_limited,      ///< unknown: the target sends too few ICMP errors for a conclusion
  not_finished,      ///< unknown: the scan ended before the port was asked often enough
  local_error,       ///< unknown: refused by this machine, for example by its firewall; see system_error
};

struct finding {
  std::string host;     ///< as the user named it
  std::vector<std::string> other_names = {};  ///< other names given for the same address, which is scanned once
  std::string address;  ///< 127.0.0.1, fe80::1%eth0
  transport protocol = transport::tcp;
  std::uint16_t port = 0;
  port_state state = port_state::unknown;
  reason why = reason::not_finished;
  int system_error = 0;         ///< errno, or 0: see error_name() and winsock_number()
  std::string origin;  ///< source of the error: `local`, or the address that sent the ICMP message; empty: none
  std::optional<duration> rtt;  ///< from the answered probe to its answer
  std::string banner;           ///< octets that an open TCP port sent before our message, not escaped
  bool banner_cut = false;      ///< the banner was longer
  std::string reply;            ///< octets received after the message (TCP) or in the datagram (UDP)
  bool reply_cut = false;       ///< the reply was longer
  bool is_echo = false;         ///< the reply equals the message
  std::string service;          ///< name of the service registered for the port; empty: none
};

/// An address that was scanned, with its names as in a finding.
struct scanned_host {
  std::string host;
  std::string address;
  std::vector<std::string> other_names = {};
  friend bool operator==(const scanned_host&, const scanned_host&) = default;
};

struct scan_summary {
  std::uint64_t targets = 0;  ///< addresses
  std::uint64_t tcp_ports = 0;  ///< per target
  std::uint64_t udp_ports = 0;
  std::array<std::uint64_t, port_state_count> by_state{};  ///< indexed by port_state
  duration elapsed{};
  bool complete = true;
  std::string incomplete_because;  ///< `interrupted`, `--max-time 10s has passed`; empty if complete
  std::string scan;                ///< identifies it: fingerprint_text()
  std::uint64_t seed = 0;
  shard part;
  std::string tcp_range;  ///< `1-50,80`; empty: none
  std::string udp_range;
  std::int64_t started = 0;  ///< seconds since 1970, UTC
  bool is_syn = false;       ///< TCP ports were asked by the half-open scan
  bool is_stateless_udp = false;  ///< UDP ports were asked by the stateless scan
  std::vector<scanned_host> hosts = {};  ///< of a part, if they are not many_targets: also those without a finding

  [[nodiscard]] std::uint64_t count(port_state of) const noexcept { return by_state[static_cast<std::size_t>(of)]; }
};

/// `tcp`, `udp`.
[[nodiscard]] std::string_view name_of(transport which) noexcept;
/// `open`, `closed`, `filtered`, `open|filtered`, `unknown`.
[[nodiscard]] std::string_view name_of(port_state which) noexcept;
/// `syn-ack`, `no-response`: as in the JSON output.
[[nodiscard]] std::string_view name_of(reason which) noexcept;

/// `ECONNREFUSED`; empty for 0 and for errors that do not occur in a scan.
[[nodiscard]] std::string_view error_name(int system_error) noexcept;
/// The Winsock error of the same event: 10061 for a refused TCP connection, 10054 for a UDP port unreachable, 10060
/// for no answer. 0: there is none.
[[nodiscard]] int winsock_number(transport protocol, int system_error) noexcept;

}  // namespace netlab::scan
