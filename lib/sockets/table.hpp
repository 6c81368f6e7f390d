// SPDX-License-Identifier: MIT
// Sockets as lines of a table that fits its terminal, and what changed between two looks at them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sockets/entry.hpp"

namespace netlab::sockets {

enum class mark : std::uint8_t { same, appeared, changed, gone };
/// What stands before the line: ` `, `+`, `~`, `-`.
[[nodiscard]] char sign_of(mark which) noexcept;
[[nodiscard]] std::string_view name_of(mark which) noexcept;

struct marked_row {
  row what;
  mark how = mark::same;
};

/// The later rows in their order, each with what became of it, and those that are gone where they stood before. A
/// socket has changed when its state, queues, remote end or owners have.
[[nodiscard]] std::vector<marked_row> compare(const std::vector<row>& before, const std::vector<row>& now);

struct table_layout {
  std::size_t width = 0;  ///< columns of the terminal; 0: as many as are needed
  bool details = false;   ///< timers and congestion too
  bool marks = false;     ///< the first column has the sign
};

/// The first line is the heading. Too wide a table has its longest cells cut, with `…`.
[[nodiscard]] std::vector<std::string> make_table(const std::vector<marked_row>& rows, const table_layout& layout);

/// `netlab (pid 123)`, more of them with commas; `-` where none is known.
[[nodiscard]] std::string owners_text(const row& of);

}  // namespace netlab::sockets
