// SPDX-License-Identifier: MIT
// Runs a trace from start to end: the program, the capture, the reports.
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
  bool wait_for_all = false;      ///< wait for descendants that outlive the program
  bool output_to_stderr = false;  ///< redirect the program's stdout to our stderr
  bool whole_packets = false;     ///< a report needs their octets
};

/// Returns the TLS secrets that the traced programs have written since the last call; reports may call it during the
/// session.
using secrets_source = std::function<std::string()>;

struct session_events {
  std::function<void(std::string_view)> note;  ///< shows a message to the user
  /// Called before a program makes a call, when everything before it was reported; may be empty. False: end the
  /// program.
  std::function<bool(const call&)> before;
  std::function<void()> flush;  ///< writes what the reports have buffered
};

/// Runs the program and passes its calls and packets to the reports of `into`. Without the privilege to capture, only
/// calls are reported, and a note says so.
[[nodiscard]] result<ending> run_session(const session_options& options, timeline& into, const session_events& events,
                                         secrets_source& secrets);

}  // namespace netlab::trace
