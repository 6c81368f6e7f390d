// SPDX-License-Identifier: MIT
// The main thread of a command: runs one coroutine to its end, and hears SIGINT and SIGTERM meanwhile.
#pragma once

#include <csignal>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// SIGINT and SIGTERM, heard from construction to destruction, in the loop's thread. The first is passed
/// on; the second ends the process at once with 128 + its number.
class stop_signals {
 public:
  stop_signals(asio::io_context& on, std::function<void(int)> first);
  void cancel();

 private:
  void wait();
  asio::signal_set signals_;
  std::function<void(int)> first_;
};

/// Errc of a signal that ended a command: errc::interrupted or errc::terminated.
[[nodiscard]] inline std::error_code signal_error(int signal) {
  return make_error_code(signal == SIGTERM ? errc::terminated : errc::interrupted);
}

/// Runs a client's coroutine. The first SIGINT or SIGTERM cancels what it waits for, and its result, if it
/// is a failure, becomes errc::interrupted or errc::terminated; a value it still returns is kept in `*value`
/// by the caller's own means. Exceptions pass through.
template <class Value>
[[nodiscard]] result<Value> run_client(asio::io_context& on, asio::awaitable<result<Value>> task) {
  std::optional<result<Value>> outcome;
  std::exception_ptr thrown;
  int signal = 0;
  asio::cancellation_signal cancel;
  stop_signals signals(on, [&](int which) {
    signal = which;
    cancel.emit(asio::cancellation_type::terminal);
  });
  // A cancelled task is not torn down: it sees its operation fail, and ends with what it has.
  auto root = [](asio::awaitable<result<Value>> inner) -> asio::awaitable<result<Value>> {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await std::move(inner);
  };
  asio::co_spawn(on, root(std::move(task)),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, result<Value> value) {
                   thrown = error;
                   outcome = std::move(value);
                   signals.cancel();
                 }));
  on.run();
  if (thrown) std::rethrow_exception(thrown);
  if (signal != 0 && !*outcome) {
    failure why = outcome->error();
    why.code = signal_error(signal);
    why.detail.clear();
    why.hint.clear();
    return unexpected(std::move(why));
  }
  return std::move(*outcome);
}

}  // namespace netlab::net
