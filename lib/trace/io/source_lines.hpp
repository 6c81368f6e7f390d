// SPDX-License-Identifier: MIT
// From what a Python program tells before a call to the line of its source.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/calls.hpp"

namespace netlab::trace {

/// What python_lines.py writes: the method of the socket, the file, the line, the function.
struct told_line {
  std::string method;
  source_line where;
};

/// Nothing where it is not such a message.
[[nodiscard]] std::optional<told_line> parse_told_line(std::string_view message);

/// Whether a method of Python's makes this kind of call: what it told is not for another.
[[nodiscard]] bool makes_call(std::string_view method, call_kind kind) noexcept;

/// Python with -I, -E or -S looks at no PYTHONPATH or starts no sitecustomize, so it tells nothing.
[[nodiscard]] bool is_isolated_python(const std::vector<std::string>& words);

/// Lines of files, each read once.
class source_files {
 public:
  static constexpr std::size_t max_files = 64;
  static constexpr std::size_t max_octets = std::size_t{1} << 20;  ///< of a file that is read

  /// The trimmed text of a line; empty where there is none. `directory` is where a relative name begins.
  [[nodiscard]] std::string read(const std::string& directory, const std::string& file, unsigned line);

 private:
  std::map<std::string, std::vector<std::string>> files_;
};

}  // namespace netlab::trace
