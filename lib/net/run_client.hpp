// SPDX-License-Identifier: MIT
// Runs one coroutine in the main thread of a command until it ends, and handles SIGINT and SIGTERM meanwhile.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/signals.hpp"

namespace netlab::net {

/// Cancels a task after `most`; 0: never. Repeats the cancellation, because a task that is about to be resumed has no
/// pending operation that the first one could cancel.
class time_limit {
 public:
  time_limit(asio::io_context& on, duration most, asio::cancellation_signal& cancel);
  time_limit(const time_limit&) = delete;
  time_limit& operator=(const time_limit&) = delete;

  void cancel();
  [[nodiscard]] bool passed() const noexcept { return passed_; }

 private:
  static constexpr duration repeat_interval = std::chrono::milliseconds(20);

  void wait();
  asio::steady_timer timer_;
  asio::cancellation_signal& cancel_;
  bool passed_ = false;
  bool cancelled_ = false;
};

/// Runs a client's coroutine. The first SIGINT or SIGTERM cancels its pending operation; if the result is then a
/// failure, it becomes errc::interrupted or errc::terminated. After `max_time`, if above 0, the coroutine is cancelled
/// likewise, and operation_canceled becomes errc::timed_out. Exceptions pass through; then the loop must not run again.
/// `more`: as for stop_signals; after the coroutine has ended, such a signal ends the process.
template <class Value>
[[nodiscard]] result<Value> run_client(asio::io_context& on, asio::awaitable<result<Value>> task,
                                       duration max_time = duration(0), std::initializer_list<int> more = {}) {
  std::optional<result<Value>> outcome;
  int signal = 0;
  asio::cancellation_signal cancel;
  const auto stop = [&](int which) {
    signal = which;
    cancel.emit(asio::cancellation_type::terminal);
  };
  stop_signals signals(on, stop, more);
  time_limit limit(on, max_time, cancel);
  // A cancelled task is not destroyed: its pending operation fails, and it returns what it has.
  const auto root = [](asio::awaitable<result<Value>> inner, std::optional<result<Value>>& value,
                       stop_signals& stopping, time_limit& limiting) -> asio::awaitable<void> {
    co_await asio::this_coro::throw_if_cancelled(false);
    value = co_await std::move(inner);
    stopping.cancel();
    limiting.cancel();
  };
  asio::co_spawn(on, root(std::move(task), outcome, signals, limit),
                 asio::bind_cancellation_slot(cancel.slot(), rethrow));
  on.run();
  if (std::find(more.begin(), more.end(), signal) != more.end()) end_by(signal);
  if (signal != 0 && !*outcome) {
    failure why = outcome->error();
    why.code = signal_error(signal);
    why.detail.clear();
    why.hint.clear();
    return unexpected(std::move(why));
  }
  if (limit.passed() && !*outcome && is_cancelled(outcome->error().code))
    return unexpected(failure{make_error_code(errc::timed_out), std::move(outcome->error().context),
                              fmt::format("not done within {}", netlab::to_string(max_time)), "--max-time"});
  return std::move(*outcome);
}

}  // namespace netlab::net
