// SPDX-License-Identifier: MIT
// Exhausted memory: a line and status 71, wherever it shows; a server goes on where it can.
#pragma once

#include <string_view>

namespace netlab::app {

/// From here on an allocation that fails ends the process: a client can do nothing useful without memory, and much of
/// what it uses (coroutines, threads) can't pass std::bad_alloc on.
void end_when_out_of_memory() noexcept;

/// What the line begins with: `netlab calc query`.
void name_command(std::string_view command) noexcept;
[[nodiscard]] std::string_view command_name() noexcept;

/// `netlab calc query: out of memory` on stderr, and the end of the process with status 71.
[[noreturn]] void end_out_of_memory() noexcept;

/// From here on an allocation that fails throws std::bad_alloc, and a server loses the session that it was for. Where
/// it can't be caught (Asio starts a coroutine's wait in a function that is noexcept), it ends the process as before.
void survive_out_of_memory() noexcept;

}  // namespace netlab::app
