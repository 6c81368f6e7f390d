// SPDX-License-Identifier: MIT
// rtnetlink(7) messages about routes and neighbours: requests and answers as octets. No socket.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "scan/neighbour_packet.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// How the kernel would send a packet to an address.
struct route {
  /// `local`: to this machine itself. `refused`: see system_error.
  enum class kind : std::uint8_t { direct, local, refused };
  kind type = kind::refused;
  int system_error = 0;
  std::uint32_t interface = 0;
  std::optional<address> gateway;  ///< none: the target is on the link; an IPv4 route may have an IPv6 gateway
  address source;
};

/// The part of the address space for which a kernel's table has an entry: route, rule, or neither.
struct prefix {
  address first;
  unsigned bits = 0;
};

/// Asks for the route of TCP to an address; `from`: the source address, if it was chosen.
[[nodiscard]] bytes make_route_request(const address& to, const std::optional<address>& from, std::uint32_t sequence);
/// `refused` if the kernel has no route. Fails with errc::peer_protocol.
[[nodiscard]] result<route> parse_route(bytes_view answer, std::uint32_t sequence);

enum class table_kind : std::uint8_t { routes, rules, neighbours };
/// Asks for a whole table of a family.
[[nodiscard]] bytes make_table_request(table_kind kind, bool is_v6, std::uint32_t sequence);

struct neighbour {
  std::uint32_t interface = 0;
  neighbour_answer who;
  friend bool operator==(const neighbour& one, const neighbour& other) {
    return one.interface == other.interface && one.who.who == other.who.who && one.who.mac == other.who.mac;
  }
};

struct table_part {
  std::vector<prefix> prefixes;       ///< destinations of routes and rules
  std::vector<neighbour> neighbours;  ///< with a link-layer address that the kernel would use now
  bool is_last = false;
};
/// Reads one datagram of the answer. Fails with the system's error or errc::peer_protocol.
[[nodiscard]] result<void> parse_table(bytes_view answer, std::uint32_t sequence, table_part& into);

}  // namespace netlab::scan
