// SPDX-License-Identifier: MIT
// The main thread of a command: runs one coroutine to its end, and hears SIGINT and SIGTERM meanwhile.
#pragma once

#include <algorithm>
#include <csignal>
#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// SIGINT and SIGTERM, heard from construction to destruction, in the loop's thread. The first is passed
/// on; the second ends the process at once with 128 + its number.
class stop_signals {
 public:
  /// `more`: others that end it likewise, unless the process was started with them ignored (nohup).
  stop_signals(asio::io_context& on, std::function<void(int)> first, std::initializer_list<int> more = {});
  void cancel();

 private:
  void wait();
  asio::signal_set signals_;
  std::function<void(int)> first_;
};

/// As the signal does by default.
[[noreturn]] void end_by(int signal) noexcept;

/// Errc of a signal that ended a command: errc::interrupted or errc::terminated.
[[nodiscard]] inline std::error_code signal_error(int signal) {
  return make_error_code(signal == SIGTERM ? errc::terminated : errc::interrupted);
}

/// Cancels a task when it has lasted for `most`; 0: never. It goes on cancelling, because a task that was about to be
/// resumed has no operation that the first could have ended.
class time_limit {
 public:
  time_limit(asio::io_context& on, duration most, asio::cancellation_signal& cancel);
  time_limit(const time_limit&) = delete;
  time_limit& operator=(const time_limit&) = delete;

  void cancel() { timer_.cancel(); }
  [[nodiscard]] bool passed() const noexcept { return passed_; }

 private:
  static constexpr duration repeat_interval = std::chrono::milliseconds(20);

  void wait();
  asio::steady_timer timer_;
  asio::cancellation_signal& cancel_;
  bool passed_ = false;
};

/// Runs a client's coroutine. The first SIGINT or SIGTERM cancels what it waits for, and its result, if it
/// is a failure, becomes errc::interrupted or errc::terminated; a value it still returns is kept in `*value`
/// by the caller's own means. `max_time` above 0 cancels it likewise, which makes operation_canceled errc::timed_out.
/// Exceptions pass through. `more` as for stop_signals; once the coroutine has ended, such a signal ends the process.
template <class Value>
[[nodiscard]] result<Value> run_client(asio::io_context& on, asio::awaitable<result<Value>> task,
                                       duration max_time = duration(0), std::initializer_list<int> more = {}) {
  std::optional<result<Value>> outcome;
  std::exception_ptr thrown;
  int signal = 0;
  asio::cancellation_signal cancel;
  const auto stop = [&](int which) {
    signal = which;
    cancel.emit(asio::cancellation_type::terminal);
  };
  stop_signals signals(on, stop, more);
  time_limit limit(on, max_time, cancel);
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
                   limit.cancel();
                 }));
  on.run();
  if (thrown) std::rethrow_exception(thrown);
  if (std::find(more.begin(), more.end(), signal) != more.end()) end_by(signal);
  if (signal != 0 && !*outcome) {
    failure why = outcome->error();
    why.code = signal_error(signal);
    why.detail.clear();
    why.hint.clear();
    return unexpected(std::move(why));
  }
  if (limit.passed() && !*outcome && to_standard(outcome->error().code) == std::errc::operation_canceled)
    return unexpected(failure{make_error_code(errc::timed_out), std::move(outcome->error().context),
                              fmt::format("not done within {}", netlab::to_string(max_time)), "--max-time"});
  return std::move(*outcome);
}

}  // namespace netlab::net
