// SPDX-License-Identifier: MIT
// A deadline for the pending operations of one object.
#pragma once

#include <memory>

#include "base/time.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// At the deadline, cancels the pending operations of an object (a socket, a timer) or calls its abort() (a driver),
/// unless the expiry is destroyed first. The object must outlive it.
///
///     expiry limit(socket, deadline);
///     auto [error] = co_await socket.async_wait(tcp::socket::wait_read, use_tuple);
///     if (limit.passed()) …
class expiry {
 public:
  template <class Cancellable>
  expiry(Cancellable& object, time_point deadline) : state_(std::make_shared<state>(object.get_executor(), deadline)) {
    if (deadline != never) wait(object, state_);
  }
  ~expiry() {
    state_->armed = false;
    state_->timer.cancel();
  }
  expiry(const expiry&) = delete;
  expiry& operator=(const expiry&) = delete;

  /// Moves the deadline to a later time. No effect if the deadline was `never`, or has passed.
  void prolong(time_point deadline) noexcept { state_->deadline = deadline; }

  [[nodiscard]] bool passed() const noexcept { return state_->passed; }

 private:
  struct state {
    state(const asio::any_io_executor& executor, time_point at) : timer(executor), deadline(at) {}
    asio::steady_timer timer;
    time_point deadline;
    bool armed = true;
    bool passed = false;
  };

  template <class Cancellable>
  static void wait(Cancellable& object, const std::shared_ptr<state>& shared) {
    shared->timer.expires_at(shared->deadline);
    shared->timer.async_wait([&object, shared](std::error_code error) {
      if (error || !shared->armed) return;
      if (clock::now() < shared->deadline) return wait(object, shared);  // prolonged meanwhile
      shared->passed = true;
      cancel(object);
    });
  }

  template <class Cancellable>
  static void cancel(Cancellable& object) {
    if constexpr (requires(std::error_code error) { object.cancel(error); }) {
      std::error_code ignored;
      object.cancel(ignored);
    } else if constexpr (requires { object.abort(); }) {
      object.abort();
    } else {
      object.cancel();
    }
  }

  std::shared_ptr<state> state_;
};

}  // namespace netlab::net
