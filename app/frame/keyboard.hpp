// SPDX-License-Identifier: MIT
// Reads one key from the terminal, for commands whose reader sets the pace.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::app {

/// True if stdin is a terminal.
[[nodiscard]] bool has_keyboard() noexcept;

/// `typed`: the octets that a terminal sent for a key (three for an arrow). True for every key but q, Q and Ctrl-D;
/// false for an empty text, which means that the terminal has hung up.
[[nodiscard]] bool goes_on(std::string_view typed) noexcept;

/// Waits for one key and returns goes_on(). Calls `prompt` before, and again when the process continues after Ctrl-Z.
/// Meanwhile the terminal delivers keys without line ends and does not echo them; afterwards it is restored, even if a
/// signal stops or ends the process. Fails when cancelled.
[[nodiscard]] asio::awaitable<result<bool>> wait_for_key(std::function<void()> prompt);

}  // namespace netlab::app
