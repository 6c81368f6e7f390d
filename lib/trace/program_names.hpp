// SPDX-License-Identifier: MIT
// Names of processes: short, recognizable, and unique within the trace.
#pragma once

#include <span>
#include <string>
#include <unordered_map>

#include "trace/calls.hpp"

namespace netlab::trace {

/// The program's name without its directory; for an interpreter with a script, the script's name: `python3 -u
/// x/client.py` is `client.py`. Characters that act on a terminal are escaped.
[[nodiscard]] std::string make_program_name(std::span<const std::string> words);

class program_names {
 public:
  /// A process has started, or has executed another program. The second one of the same name is `client.py#2`.
  void add(process_id process, std::span<const std::string> words);
  /// `process 123` if it is unknown.
  [[nodiscard]] std::string name_of(process_id process) const;

 private:
  std::unordered_map<process_id, std::string> names_;
  std::unordered_map<std::string, unsigned> counts_;
  std::unordered_map<process_id, std::string> plain_;
};

}  // namespace netlab::trace
