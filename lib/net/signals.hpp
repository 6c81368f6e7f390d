// SPDX-License-Identifier: MIT
// SIGINT and SIGTERM in an event loop.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// Handles SIGINT and SIGTERM in the loop's thread, from construction to destruction. The first signal calls `first`;
/// the second ends the process at once with 128 + its number.
class stop_signals {
 public:
  /// `more`: further signals to handle likewise, unless the process was started with them ignored (nohup).
  stop_signals(asio::io_context& on, std::function<void(int)> first, std::initializer_list<int> more = {});
  /// Ends the handling: afterwards the loop has nothing to wait for here.
  void cancel();

 private:
  void wait();
  asio::signal_set signals_;
  std::function<void(int)> first_;
  bool cancelled_ = false;
};

/// SIGINT or SIGTERM if one has arrived that the loop has not handled yet; otherwise 0.
[[nodiscard]] int waiting_stop_signal() noexcept;

/// Ends the process as the signal does by default.
[[noreturn]] void end_by(int signal) noexcept;

/// The errc for a signal that ended a command: errc::interrupted or errc::terminated.
[[nodiscard]] inline std::error_code signal_error(int signal) {
  return make_error_code(signal == SIGTERM ? errc::terminated : errc::interrupted);
}

}  // namespace netlab::net
