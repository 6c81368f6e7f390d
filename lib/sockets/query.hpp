// SPDX-License-Identifier: MIT
// The machine's sockets and who holds them, now.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "sockets/entry.hpp"
#include "sockets/filter.hpp"

namespace netlab::sockets {

struct snapshot {
  std::vector<row> rows;           ///< by protocol, listeners first, then by local port
  std::size_t hidden_sockets = 0;  ///< whose owner is a process that may not be looked into
  bool knows_processes = true;     ///< false: there is no /proc to look at
};

/// `process`: only sockets of the process with this number or name; empty: all. Needs no privilege; without it the
/// processes of other users stay hidden, and without /proc there are none: then one that is asked for is a failure.
/// Fails with the system's error.
[[nodiscard]] result<snapshot> query(const filter& wanted, const std::string& process = {});

}  // namespace netlab::sockets
