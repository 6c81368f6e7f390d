// SPDX-License-Identifier: MIT
// Starts the program that is to be traced, stopped at the first moment at which it can be.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "trace/calls.hpp"

namespace netlab::trace {

struct spawn_options {
  std::vector<std::string> command;  ///< its name is looked up in PATH
  bool own_network = false;          ///< in a network namespace of its own, with the loopback interface up
  std::vector<std::pair<std::string, std::string>> environment;  ///< set in the program's beside what it inherits
  bool output_to_stderr = false;     ///< its stdout is our stderr
};

struct spawned {
  process_id process = 0;
  net::unique_fd packets;  ///< with own_network: a packet socket in its namespace
  net::unique_fd start;    ///< closing it lets the program go
  net::unique_fd failed;   ///< at its end when the program has been started; else errno as an int
};

/// It is attached with PTRACE_SEIZE and waits for `start`. Fails where ptrace or the namespace is not permitted, with
/// the cure.
[[nodiscard]] result<spawned> spawn(const spawn_options& what);

}  // namespace netlab::trace
