// SPDX-License-Identifier: MIT
// Out of memory: a client ends with a line and status 71; a server continues if it can.
#pragma once

#include <string_view>

namespace netlab::app {

/// From now on, a failed allocation ends the process: a client can do nothing useful without memory, and much of what
/// it uses (coroutines, threads) cannot pass std::bad_alloc on.
void end_when_out_of_memory() noexcept;

/// The start of the line: `netlab calc query`.
void name_command(std::string_view command) noexcept;
[[nodiscard]] std::string_view command_name() noexcept;

/// Writes `netlab calc query: out of memory` to stderr and ends the process with status 71.
[[noreturn]] void end_out_of_memory() noexcept;

/// From now on, a failed allocation throws std::bad_alloc, and a server drops the session that needed it. If the
/// exception cannot be caught (Asio starts a coroutine's wait in a noexcept function), it ends the process as before.
void survive_out_of_memory() noexcept;

}  // namespace netlab::app
