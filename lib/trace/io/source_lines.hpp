// SPDX-License-Identifier: MIT
// Parses the source lines that Python programs report before each call, and reads their text.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/calls.hpp"

namespace netlab::trace {

/// What python_lines.py reports: the socket's method, the file, the line, the function.
struct reported_line {
  std::string method;
  source_line where;
};

/// A thread's buffer for its line begins with this (python_lines.py).
inline constexpr std::string_view line_buffer_mark{"netlab: line\0\0\0\0", 16};
inline constexpr std::size_t max_reported_line = 4096;

/// The first four texts in `buffer`, each with its zero octet: an earlier, longer line may have left octets after them.
/// Empty if there are fewer.
[[nodiscard]] std::string_view cut_reported_line(std::string_view buffer) noexcept;

/// Parses a message of python_lines.py: four texts, each followed by a zero octet. None if it is anything else.
[[nodiscard]] std::optional<reported_line> parse_reported_line(std::string_view message);

/// Whether a Python method makes this kind of call; if not, its message belongs to another call.
[[nodiscard]] bool makes_call(std::string_view method, call_kind kind) noexcept;

/// Python with -I, -E or -S ignores PYTHONPATH or does not load sitecustomize, so it reports no lines.
[[nodiscard]] bool is_isolated_python(const std::vector<std::string>& words);

/// Lines of source files; each file is read once.
class source_files {
 public:
  static constexpr std::size_t max_files = 64;
  static constexpr std::size_t max_octets = std::size_t{1} << 20;  ///< limit for the size of a file

  /// The trimmed text of a line; empty if there is none. A relative `file` is relative to `directory`.
  [[nodiscard]] std::string read(const std::string& directory, const std::string& file, unsigned line);

 private:
  std::map<std::string, std::vector<std::string>> files_;
};

}  // namespace netlab::trace
