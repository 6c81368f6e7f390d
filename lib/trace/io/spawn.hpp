// SPDX-License-Identifier: MIT
// Starts the program to be traced, stopped as early as possible.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "trace/calls.hpp"

namespace netlab::trace {

struct spawn_options {
  std::vector<std::string> command;  ///< looked up in PATH
  bool own_network = false;          ///< runs it in a new network namespace, with the loopback interface up
  std::vector<std::pair<std::string, std::string>> environment;  ///< set in addition to the inherited environment
  bool output_to_stderr = false;     ///< redirects its stdout to our stderr
};

struct spawned {
  process_id process = 0;
  net::unique_fd packets;  ///< with own_network: a packet socket in the new namespace
  net::unique_fd start;    ///< close it to let the program run
  net::unique_fd
      failed;   ///< reads as closed when the program was started; else an int: errno, negated if seccomp failed
};

/// Attaches with PTRACE_SEIZE; the program then waits for `start`. Fails with a hint if ptrace or the namespace is
/// not permitted.
[[nodiscard]] result<spawned> spawn(const spawn_options& options);

}  // namespace netlab::trace
