// SPDX-License-Identifier: MIT
// A TUN device in a network namespace: packets that the namespace sends to it are read here, packets written here
// arrive there. Linux only; needs root.
#pragma once

#include <string>

namespace netlab::test {

/// Writes the failed action and the system's error to stderr and ends the process with status 71.
[[noreturn]] void give_up(const std::string& what);

/// Opens a TUN device in the namespace and sets it up without an address, in non-blocking mode. The process stays in
/// that namespace. Ends the process on failure.
[[nodiscard]] int open_tun(const std::string& name_space, const std::string& device);

}  // namespace netlab::test
