// SPDX-License-Identifier: MIT
// A server and a client as students write them, with one blocking call after the other: an example for `netlab trace`
// and Wireshark.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace netlab::lab {

enum class demo : std::uint8_t {
  calculation,  ///< a request over TCP and one over UDP
  ports,        ///< an open and a closed port, over TCP and over UDP
};

/// `calc` or `scan`.
[[nodiscard]] std::string_view name_of(demo which) noexcept;
[[nodiscard]] std::optional<demo> parse_demo(std::string_view name) noexcept;

/// Forks: this process is the server, on a free port of 127.0.0.1, and its child the client. `tell` gets the client's
/// result lines at the end. The process must have no other threads. Fails if a socket call fails.
[[nodiscard]] result<void> run_demo(demo which, const std::function<void(std::string_view)>& tell);

}  // namespace netlab::lab
