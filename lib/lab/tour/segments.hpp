// SPDX-License-Identifier: MIT
// The state and the segment counters of a TCP connection.
#pragma once

#include <cstdint>
#include <optional>

#include "sockets/entry.hpp"

namespace netlab::lab {

/// tcp(7), TCP_INFO. `out` and `in` count all segments, `data_out` and `data_in` only those with data.
struct segments {
  std::uint32_t out = 0;
  std::uint32_t in = 0;
  std::uint32_t data_out = 0;
  std::uint32_t data_in = 0;
  sockets::state state{};
};

/// The counters of a TCP socket; nothing if the system does not count them (Linux before 4.6).
[[nodiscard]] std::optional<segments> segments_of(int socket) noexcept;

}  // namespace netlab::lab
