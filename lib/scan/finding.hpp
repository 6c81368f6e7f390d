// SPDX-License-Identifier: MIT
// What a scan finds out: the data that engines give and reports take. No sockets here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace netlab::scan {

enum class transport : std::uint8_t { tcp, udp };

/// What is known of a port. `open_filtered` (UDP) is silence where a closed port would have been heard;
/// `unknown` is silence that proves nothing: the target's ICMP rate limit, or the scan ended too early.
enum class port_state : std::uint8_t { open, closed, filtered, open_filtered, unknown };
inline constexpr std::size_t port_state_count = 5;

/// Why the state is what it is.
enum class reason : std::uint8_t {
  syn_ack,           ///< tcp open: the connection was made
  reset,             ///< tcp closed: RST
  no_response,       ///< silence, asked more than once
  port_unreachable,  ///< ICMP 3/3, ICMPv6 1/4
  admin_prohibited,  ///< ICMP 3/9, 3/10, 3/13; ICMPv6 1/1, 1/5, 1/6
  host_unreachable,  ///< ICMP 3/1 and its like, or nobody answers for the address on its link; unknown: a route of
                     ///< this machine forbids it
  net_unreachable,   ///< ICMP 3/0, ICMPv6 1/0; unknown: no route on this machine, or its link is down
  proto_unreachable, ///< ICMP 3/2, ICMPv6 parameter problem
  reply,             ///< udp open: it answered
  rate_limited,      ///< unknown: the target sends too few ICMP errors to tell
  not_finished,      ///< unknown: the scan was ended before the port was asked often enough
  local_error,       ///< unknown: this machine's own refusal, for example by its firewall; see system_error
};

struct finding {
  std::string host;     ///< as the user named it
  std::vector<std::string> other_names = {};  ///< what else the user called the same address: it was asked once
  std::string address;  ///< 127.0.0.1, fe80::1%eth0
  transport protocol = transport::tcp;
  std::uint16_t port = 0;
  port_state state = port_state::unknown;
  reason why = reason::not_finished;
  int system_error = 0;         ///< errno, or 0: see error_name() and winsock_number()
  std::string origin;  ///< who sent the error: `local` for this machine, or the address that an ICMP message came
                       ///< from; empty where there was none
  std::optional<duration> rtt;  ///< from the probe that was answered to its answer
  std::string banner;           ///< octets that an open TCP port sent unasked, as they came, not escaped
  bool banner_cut = false;      ///< there was more of it
  std::string reply;            ///< octets that came after the message (TCP) or in the datagram (UDP)
  bool reply_cut = false;       ///< there was more of it
  bool is_echo = false;         ///< the reply is the message, all of it
  std::string service;          ///< name of the service that the port is registered for; empty: none
};

struct scan_summary {
  std::uint64_t targets = 0;  ///< addresses
  std::uint64_t tcp_ports = 0;  ///< of each target
  std::uint64_t udp_ports = 0;
  std::array<std::uint64_t, port_state_count> by_state{};  ///< indexed by port_state
  duration elapsed{};
  bool complete = true;
  std::string incomplete_because;  ///< `interrupted`, `--max-time 10s has passed`; empty if complete

  [[nodiscard]] std::uint64_t count(port_state of) const noexcept { return by_state[static_cast<std::size_t>(of)]; }
};

/// `tcp`, `udp`.
[[nodiscard]] std::string_view name_of(transport which) noexcept;
/// `open`, `closed`, `filtered`, `open|filtered`, `unknown`.
[[nodiscard]] std::string_view name_of(port_state which) noexcept;
/// `syn-ack`, `no-response`: the words of the JSON.
[[nodiscard]] std::string_view name_of(reason which) noexcept;

/// `ECONNREFUSED`; empty for 0 and for what no scan meets.
[[nodiscard]] std::string_view error_name(int system_error) noexcept;
/// What the same event is called by a Windows program: 10061 for a refused TCP connection, 10054 for a UDP
/// port that ICMP called unreachable, 10060 for silence. 0: no such number.
[[nodiscard]] int winsock_number(transport protocol, int system_error) noexcept;

}  // namespace netlab::scan
