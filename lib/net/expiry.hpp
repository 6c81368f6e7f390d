// SPDX-License-Identifier: MIT
// A deadline for the pending operations of one object.
#pragma once

#include <memory>

#include "base/time.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// Cancels the pending operations of a socket (anything with `cancel`) at the deadline, unless it is destroyed first.
/// The socket must outlive it.
///
///     expiry limit(socket, deadline);
///     auto [error] = co_await socket.async_wait(tcp::socket::wait_read, use_tuple);
///     if (limit.passed()) …
class expiry {
 public:
  template <class Cancellable>
  expiry(Cancellable& object, time_point deadline) : state_(std::make_shared<state>(object.get_executor())) {
    if (deadline == never) return;
    state_->timer.expires_at(deadline);
    state_->timer.async_wait([&object, state = state_](std::error_code error) {
      if (error || !state->armed) return;
      state->passed = true;
      cancel(object);
    });
  }
  ~expiry() {
    state_->armed = false;
    state_->timer.cancel();
  }
  expiry(const expiry&) = delete;
  expiry& operator=(const expiry&) = delete;

  [[nodiscard]] bool passed() const noexcept { return state_->passed; }

 private:
  template <class Cancellable>
  static void cancel(Cancellable& object) {
    if constexpr (requires(std::error_code error) { object.cancel(error); }) {
      std::error_code ignored;
      object.cancel(ignored);
    } else {
      object.cancel();
    }
  }

  struct state {
    explicit state(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    bool armed = true;
    bool passed = false;
  };
  std::shared_ptr<state> state_;
};

}  // namespace netlab::net
