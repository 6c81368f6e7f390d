// SPDX-License-Identifier: MIT
// Selects sockets, here or by a program for the kernel's filter (linux/inet_diag.h).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "sockets/entry.hpp"

namespace netlab::sockets {

struct port_range {
  std::uint16_t first = 1;
  std::uint16_t last = 65535;
  bool operator==(const port_range&) const = default;
};

/// `80`, `1-50,443,8000-`, `all`. Fails with errc::usage.
[[nodiscard]] result<std::vector<port_range>> parse_ports(std::string_view text);

struct filter {
  bool tcp = true;
  bool udp = true;
  bool ipv4 = true;
  bool ipv6 = true;
  bool listening = false;         ///< only listening and unconnected sockets
  std::vector<port_range> ports;  ///< local or remote; empty: any
  bool details = false;           ///< include congestion control and round-trip times
};

/// The states to ask the kernel for, as a bit mask.
[[nodiscard]] std::uint32_t wanted_states(const filter& of, transport over) noexcept;

/// The kernel's program: true if either port of the socket is in one of the ranges. Empty if all ports are selected.
[[nodiscard]] bytes port_program(const std::vector<port_range>& ranges);

/// The same check here, for kernels without a filter.
[[nodiscard]] bool matches(const filter& wanted, const entry& one) noexcept;

}  // namespace netlab::sockets
