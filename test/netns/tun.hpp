// SPDX-License-Identifier: MIT
// A TUN device in a network namespace: what the namespace sends to it is read here, what is written here arrives there.
// Linux only; needs root.
#pragma once

#include <string>

namespace netlab::test {

/// Says on stderr what failed, with the system's error, and ends the process with 71.
[[noreturn]] void give_up(const std::string& what);

/// Opens a TUN device in the namespace and sets it up, without an address. Its reads and writes do not block. The
/// process stays in that namespace. Ends the process where it fails.
[[nodiscard]] int open_tun(const std::string& name_space, const std::string& device);

}  // namespace netlab::test
