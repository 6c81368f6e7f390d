// SPDX-License-Identifier: MIT
// The names of commands and options in nc, ncat, socat, telnet, curl, s_client, swaks, nmap, ss and the lab's exercise
// sheet, by meaning.
#pragma once

#include <span>
#include <string_view>

namespace netlab::app {

/// Names with one meaning, and the option for it in netlab.
struct meaning {
  std::string_view where;  ///< commands or actions of netlab: `calc, echo query`; empty: all
  std::string_view names;  ///< other programs' names, without dashes, separated by blanks: `w timeout connect-timeout`
  /// Our options, separated by blanks: the first that the action has is used. Or, after a `!`, a complete answer.
  std::string_view ours;
};

/// The options. If several rows match, the first is used; rows for one action precede those for all.
[[nodiscard]] std::span<const meaning> options_elsewhere() noexcept;

/// Commands and, with `where`, their subcommands; `ours` is one path, `mail send`.
[[nodiscard]] std::span<const meaning> commands_elsewhere() noexcept;

/// True if the row applies to `calc query`, or to the whole command with `calc`.
[[nodiscard]] bool holds_for(const meaning& row, std::string_view path) noexcept;

}  // namespace netlab::app
