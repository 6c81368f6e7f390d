// SPDX-License-Identifier: MIT
// What the system knows of one TCP connection: its state, and how many segments it has sent and received.
#pragma once

#include <cstdint>
#include <optional>

#include "sockets/entry.hpp"

namespace netlab::lab {

/// tcp(7), TCP_INFO. A segment with data counts in both rows; SYN, FIN and a mere ACK only in the first.
struct segments {
  std::uint32_t out = 0;
  std::uint32_t in = 0;
  std::uint32_t data_out = 0;
  std::uint32_t data_in = 0;
  sockets::state state{};
};

/// Of a TCP socket; nothing where the system does not count them (Linux before 4.6).
[[nodiscard]] std::optional<segments> segments_of(int socket) noexcept;

}  // namespace netlab::lab
