// SPDX-License-Identifier: MIT
// A trace from its start to its end: the program, its packets, the reports.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "trace/io/tracer.hpp"
#include "trace/timeline.hpp"

namespace netlab::trace {

struct session_options {
  std::vector<std::string> command;
  bool own_network = false;
  bool wait_for_all = false;      ///< descendants that outlive the program are waited for
  bool output_to_stderr = false;  ///< the program's stdout is our stderr
  bool whole_packets = false;     ///< a report wants their octets
};

/// TLS secrets of the traced programs, which reports may take while the session runs: what has come since the last
/// time.
using secrets_source = std::function<std::string()>;

struct session_events {
  std::function<void(std::string_view)> note;  ///< for a person
  /// Before a program makes a call, when what has happened until then has been reported; may be empty. False: the
  /// program shall end.
  std::function<bool(const call&)> before;
  std::function<void()> flush;  ///< reports have written what there is for now
};

/// Runs the program, and hands what happens to the reports of `into`. Without the privilege to capture, the calls alone
/// are told, and a note says so.
[[nodiscard]] result<ending> run_session(const session_options& options, timeline& into, const session_events& events,
                                         secrets_source& secrets);

}  // namespace netlab::trace
