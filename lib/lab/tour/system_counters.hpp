// SPDX-License-Identifier: MIT
// How many packets of a kind this machine (this network namespace) has sent since it started.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netlab::lab {

/// One value of a table such as /proc/net/snmp (RFC 1213's names): two lines a protocol, `Tcp: RtoMin OutRsts` and
/// `Tcp: 200 5`. Nothing if it is not there.
[[nodiscard]] std::optional<std::uint64_t> find_counter(std::string_view table, std::string_view protocol,
                                                        std::string_view name);

/// Of the system, now.
[[nodiscard]] std::optional<std::uint64_t> system_counter(std::string_view protocol, std::string_view name);

}  // namespace netlab::lab
