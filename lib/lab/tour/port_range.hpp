// SPDX-License-Identifier: MIT
// The system's range of client ports, in its text form.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netlab::lab {

struct port_range {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept { return first <= port && port <= last; }
  bool operator==(const port_range&) const = default;
};

/// `32768 60999`: two numbers, the first not greater than the second (ip(7), ip_local_port_range).
[[nodiscard]] std::optional<port_range> parse_port_range(std::string_view text);

}  // namespace netlab::lab
