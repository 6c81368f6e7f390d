// SPDX-License-Identifier: MIT
// Records a demonstration with `netlab trace` as a child process, because a tracer needs signals, a timer and waitpid()
// for itself.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "lab/demo.hpp"
#include "lab/tour/recording.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

/// A recording, or why there is none.
struct traced_demo {
  std::optional<recording> made;
  std::string refusal;  ///< in words, without a full stop
};

/// Captures on this machine's interfaces if permitted, else in a network namespace of its own. `netlab` is the
/// program's file; empty: nothing is recorded. Ends in bounded time and leaves no process and no file. Fails when
/// cancelled.
[[nodiscard]] asio::awaitable<result<traced_demo>> trace_demo(std::string netlab, demo which);

/// The command as a user would type it.
[[nodiscard]] std::string trace_command(demo which, bool in_own_network);

}  // namespace netlab::lab
