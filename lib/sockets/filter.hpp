// SPDX-License-Identifier: MIT
// Which sockets are wanted, and the same as a program for the kernel's filter (linux/inet_diag.h).
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
  bool listening = false;         ///< only those that wait for anybody
  std::vector<port_range> ports;  ///< of either end; empty: any
  bool details = false;           ///< congestion and round trips too
};

/// The states that the kernel is asked for, a bit each.
[[nodiscard]] std::uint32_t wanted_states(const filter& of, transport over) noexcept;

/// What the kernel runs for each socket: either port is in one of the ranges. Empty where all ports are wanted.
[[nodiscard]] bytes port_program(const std::vector<port_range>& ranges);

/// The same here, for a kernel that does not filter.
[[nodiscard]] bool matches(const filter& wanted, const entry& one) noexcept;

}  // namespace netlab::sockets
