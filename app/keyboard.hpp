// SPDX-License-Identifier: MIT
// A key of the terminal that stdin is, for a command that lets its reader set the pace.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::app {

/// stdin is a terminal.
[[nodiscard]] bool has_keyboard() noexcept;

/// What a terminal gave when a key was pressed (an arrow is three octets): true for every key but q, Q and Ctrl-D, and
/// false for nothing at all, which is a terminal that has gone.
[[nodiscard]] bool goes_on(std::string_view typed) noexcept;

/// Waits for one key; `prompt` is called before, and again when the process goes on after Ctrl-Z. Says goes_on(). The
/// terminal hands over keys without a line end and does not show them meanwhile; it is as it was afterwards, also where
/// a signal stops or ends the process. Fails when cancelled.
[[nodiscard]] asio::awaitable<result<bool>> wait_for_key(std::function<void()> prompt);

}  // namespace netlab::app
