// SPDX-License-Identifier: MIT
// What commands and options are called in nc, ncat, socat, telnet, curl, s_client, swaks, nmap, ss and on the lab's
// sheet, by what they mean.
#pragma once

#include <span>
#include <string_view>

namespace netlab::app {

/// Names of one meaning, and what it is here.
struct meaning {
  std::string_view where;  ///< the commands or actions it holds for: `calc, echo query`; empty: all
  std::string_view names;  ///< as others write them, without dashes, blanks between: `w timeout connect-timeout`
  /// Options of ours, blanks between, of which the first counts that the action has. Or, after a `!`, an answer in
  /// full.
  std::string_view ours;
};

/// Options. Of several rows that hold, the first counts; those of one action stand before those of all.
[[nodiscard]] std::span<const meaning> options_elsewhere() noexcept;

/// Commands and, with `where`, their subcommands; `ours` is one path, `mail send`.
[[nodiscard]] std::span<const meaning> commands_elsewhere() noexcept;

/// Whether a row holds for `calc query`, or with `calc` for a whole command.
[[nodiscard]] bool holds_for(const meaning& row, std::string_view path) noexcept;

}  // namespace netlab::app
