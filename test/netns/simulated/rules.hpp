// SPDX-License-Identifier: MIT
// Parses the rules for the hosts of a simulated network, a file of lines:
//
//     # to the end of the line: a comment
//     host 198.18.0.1                            also 198.18.0.1-9,198.18.1.0/24 and IPv6; the last match counts
//       delay 200us                              of each answer; 10ms-50ms: random between the two
//       loss 5%                                  of arriving packets, and also of leaving ones
//       limit reset 200/s burst 50               of this kind of answer; `icmp`: all kinds of ICMP errors together
//       limit icmp 1/s burst 6 each              one limit for each address that sends requests
//       tcp 1-50,80 open delay 300ms             ports without a line are closed
//       tcp 22 open banner SSH-2.0-lab           the rest of the line, and CR LF
//       tcp 7 open echo
//       tcp 23 admin-prohibited by 198.18.255.1  sent by a router; the limits of `host 198.18.255.1` apply
//       udp 7 open                               sends back what it receives
//       udp 13 open port 4000 reply noon         from port 4000; the rest of the line
//       udp 14 open by 198.18.0.9                from that address
//
// The states: open, closed, silent, and ICMP errors: port-unreachable, admin-prohibited, host-unreachable,
// net-unreachable, proto-unreachable. A closed UDP port answers port-unreachable. Addresses without a `host` are
// silent.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "scan/targets.hpp"

namespace netlab::test {

/// The answer of a host to a packet.
enum class answer_kind : std::uint8_t {
  none,
  syn_ack,
  reset,
  reply,  ///< a datagram, or the data of a TCP service
  port_unreachable,
  admin_prohibited,
  host_unreachable,
  net_unreachable,
  proto_unreachable,
};

struct delay_range {
  duration least{};
  duration most{};
};

struct port_rule {
  answer_kind first = answer_kind::reset;  ///< answer to a SYN or a datagram
  std::optional<delay_range> delay;        ///< none: the host's
  std::optional<scan::address> by;         ///< the answer's sender; none: the host
  std::uint16_t from_port = 0;             ///< source port of a datagram; 0: the port that was asked
  bool echo = false;
  std::string text;                        ///< a banner, or the datagram's reply
};

struct limit_rule {
  std::uint32_t kinds = 0;  ///< a bit for each answer_kind
  double per_second = 0;
  double burst = 1;
  bool for_each_peer = false;

  [[nodiscard]] bool covers(answer_kind kind) const noexcept {
    return (kinds >> static_cast<unsigned>(kind) & 1U) != 0;
  }
};

/// One `host` line and the lines below it.
struct host_rule {
  std::vector<scan::address_range> where;
  delay_range delay;
  double loss = 0;  ///< from 0 to 1
  std::vector<limit_rule> limits;
  std::vector<port_rule> ports;        ///< the first two are for TCP and UDP ports without a line
  std::vector<std::uint16_t> tcp;      ///< index into `ports`, by port number
  std::vector<std::uint16_t> udp;

  [[nodiscard]] const port_rule& rule_of(bool is_tcp, std::uint16_t port) const {
    return ports[(is_tcp ? tcp : udp)[port]];
  }
};

/// Fails with errc::bad_data, the line number and the reason.
[[nodiscard]] result<std::vector<host_rule>> parse_rules(std::string_view text);

}  // namespace netlab::test
