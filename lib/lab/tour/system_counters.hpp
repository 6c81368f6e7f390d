// SPDX-License-Identifier: MIT
// The packet counters of this machine (this network namespace).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netlab::lab {

/// One value in a table such as /proc/net/snmp (names as in RFC 1213), which has two lines per protocol: `Tcp: RtoMin
/// OutRsts` and `Tcp: 200 5`.
[[nodiscard]] std::optional<std::uint64_t> find_counter(std::string_view table, std::string_view protocol,
                                                        std::string_view name);

/// The system's current value.
[[nodiscard]] std::optional<std::uint64_t> system_counter(std::string_view protocol, std::string_view name);

}  // namespace netlab::lab
