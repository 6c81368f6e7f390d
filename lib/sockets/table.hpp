// SPDX-License-Identifier: MIT
// Formats sockets as a table that fits the terminal, and compares two snapshots.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sockets/entry.hpp"

namespace netlab::sockets {

enum class mark : std::uint8_t { same, appeared, changed, gone };
/// The sign at the start of the line: ` `, `+`, `~`, `-`.
[[nodiscard]] char sign_of(mark which) noexcept;
[[nodiscard]] std::string_view name_of(mark which) noexcept;

struct marked_row {
  sockets::row row;
  sockets::mark mark = sockets::mark::same;
};

/// Returns the rows of `now` in their order, each with its mark, and those that are gone at their previous position. A
/// socket has changed if its state, queues, remote end or owners have.
[[nodiscard]] std::vector<marked_row> compare(const std::vector<row>& before, const std::vector<row>& now);

struct table_layout {
  std::size_t width = 0;  ///< columns of the terminal; 0: unlimited
  bool details = false;   ///< include timers and congestion control
  bool marks = false;     ///< the first column has the sign
};

/// The first line is the heading. If the table is too wide, its longest cells are cut, with `…`.
[[nodiscard]] std::vector<std::string> make_table(const std::vector<marked_row>& rows, const table_layout& layout);

/// `netlab (pid 123)`, several separated by commas; `-` if none is known.
[[nodiscard]] std::string owners_text(const row& of);

}  // namespace netlab::sockets
