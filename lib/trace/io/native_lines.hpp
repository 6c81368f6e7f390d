// SPDX-License-Identifier: MIT
// The source line of a call in a compiled program, from its debugging information; without that the function.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "trace/calls.hpp"
#include "trace/io/source_lines.hpp"

namespace netlab::trace {

/// Uses libdw to unwind the stack and to read the lines. libdw is loaded on first use; without it there are no lines.
class native_lines {
 public:
  native_lines();
  native_lines(native_lines&& other) noexcept;
  native_lines& operator=(native_lines&& other) noexcept;
  ~native_lines();

  /// For a thread that ptrace has stopped at the entry of a call: the innermost frame in the program's own code, not in
  /// a system library or a system header. Null if unknown.
  /// `sources` reads the text of the line.
  [[nodiscard]] std::shared_ptr<const source_line> find(process_id process, process_id thread, source_files& sources);

  /// Drops what is cached about a process that has called exec() or has ended.
  void forget(process_id process);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// `void app::send_all<int>(int, char const*)` is `app::send_all<int>`.
[[nodiscard]] std::string shorten_function_name(std::string_view demangled);

}  // namespace netlab::trace
