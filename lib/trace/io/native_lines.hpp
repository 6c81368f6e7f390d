// SPDX-License-Identifier: MIT
// From a call of a compiled program to the line that made it, by its debugging information; else to the function.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "trace/calls.hpp"

namespace netlab::trace {

/// libdw unwinds the stack and reads the lines. It is loaded when it is first needed: a machine without it shows none.
class native_lines {
 public:
  native_lines();
  native_lines(native_lines&& other) noexcept;
  native_lines& operator=(native_lines&& other) noexcept;
  ~native_lines();

  /// Of a thread that is stopped by ptrace at the entry of a call: the innermost frame in the program's own code, which
  /// is not in a library of the system, nor in a header of one. Empty where nothing is known.
  [[nodiscard]] source_line find(process_id process, process_id thread);

  /// The process runs another program now, or has ended.
  void forget(process_id process);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// `void app::send_all<int>(int, char const*)` is `app::send_all<int>`.
[[nodiscard]] std::string shorten_function_name(std::string_view demangled);

}  // namespace netlab::trace
