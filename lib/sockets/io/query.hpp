// SPDX-License-Identifier: MIT
// Lists the machine's current sockets and their processes.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "sockets/entry.hpp"
#include "sockets/filter.hpp"

namespace netlab::sockets {

struct snapshot {
  std::vector<row> rows;           ///< by protocol, listeners first, then by local port
  std::size_t hidden_sockets = 0;  ///< sockets whose process may not be read
  bool knows_processes = true;     ///< false: /proc is not mounted
};

/// `process`: only sockets of the process with this number or name; empty: all. Needs no privilege, but without it the
/// processes of other users are unknown. Without /proc, all processes are, and selecting one fails. Fails with the
/// system's error.
[[nodiscard]] result<snapshot> query(const filter& wanted, const std::string& process = {});

}  // namespace netlab::sockets
