// SPDX-License-Identifier: MIT
// What to call a process: a short name that a person recognizes, and that no other process of the trace has.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "trace/calls.hpp"

namespace netlab::trace {

/// The program's own name without its directory; of an interpreter with a script, the script's: `python3 -u
/// x/client.py` is `client.py`. Octets that a terminal acts on are escaped.
[[nodiscard]] std::string make_program_name(std::span<const std::string> words);

class program_names {
 public:
  /// A process has begun or has become another program. A second one of the same name gets `client.py#2`.
  void add(process_id process, std::span<const std::string> words);
  /// `process 123` where it is not known.
  [[nodiscard]] std::string name_of(process_id process) const;

 private:
  std::unordered_map<process_id, std::string> names_;
  std::unordered_map<std::string, unsigned> counts_;
  std::unordered_map<process_id, std::string> plain_;
};

}  // namespace netlab::trace
