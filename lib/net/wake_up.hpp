// SPDX-License-Identifier: MIT
// Lets a coroutine wait until a handler wakes it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "net/asio.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::net {

/// One coroutine waits, and handlers in its thread wake it. Cancelling a timer would do, too, but would resume the
/// coroutine only in the loop's next turn, after another system call.
class wake_up {
 public:
  explicit wake_up(const asio::any_io_executor& executor) : state_(std::make_shared<state>(executor)) {}
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;

  /// Returns at once if wake() was called since the last wait; otherwise when it is called or the coroutine is
  /// cancelled. Only one coroutine may wait. If the event loop is destroyed meanwhile, so is the coroutine.
  [[nodiscard]] asio::awaitable<void> wait();

  /// Resumes the coroutine within this call, which may destroy *this. Call it last in a handler.
  void wake() { state::wake(state_); }

  /// Like wake(), but not necessarily last in a handler: the coroutine resumes after the caller has returned to the
  /// event loop. When memory is short it blocks and retries, as insist() does, before it throws std::bad_alloc.
  void wake_later() { state::wake_later(state_); }

 private:
  using waiter = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

  struct state;
  /// All wake_ups of one event loop. Asio does not know the coroutines that wait here, so this destroys them with the
  /// loop.
  struct registry final : asio::execution_context::service {
    static inline asio::execution_context::id id;
    explicit registry(asio::execution_context& loop) : service(loop) {}
    void shutdown() override;
    std::list<state*> all;
  };

  struct state {
    explicit state(const asio::any_io_executor& on)
        : executor(on),
          registered(asio::use_service<registry>(asio::query(on, asio::execution::context))),
          place(registered.all.insert(registered.all.end(), this)) {}
    ~state() { registered.all.erase(place); }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    static void wake(const std::shared_ptr<state>& shared) {
      shared->is_awake = true;
      if (!shared->waiting) return;
      waiter resumed = *std::exchange(shared->waiting, std::nullopt);
      std::move(resumed)();
    }

    static void wake_later(const std::shared_ptr<state>& shared) {
      if (shared->is_queued) return;
      insist([&] {
        asio::post(shared->executor, [shared] {
          shared->is_queued = false;
          wake(shared);
        });
      });
      shared->is_queued = true;
    }

    asio::any_io_executor executor;
    registry& registered;
    std::list<state*>::iterator place;
    std::optional<waiter> waiting;
    bool is_awake = false;
    bool is_queued = false;  // wake_later() has posted a handler that has not run yet
  };

  std::shared_ptr<state> state_;
};

inline void wake_up::registry::shutdown() {
  // Asio posts the unwinding of a coroutine, so the list does not change here.
  for (state* each : all) each->waiting.reset();
}

inline asio::awaitable<void> wake_up::wait() {
  if (!state_->is_awake) {
    const auto suspend = [shared = state_](waiter coroutine) {
      if (auto slot = asio::get_associated_cancellation_slot(coroutine); slot.is_connected())
        slot.assign([weak = std::weak_ptr(shared)](asio::cancellation_type) {
          if (const auto alive = weak.lock()) state::wake_later(alive);
        });
      shared->waiting.emplace(std::move(coroutine));
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(suspend, asio::use_awaitable);
  }
  state_->is_awake = false;
}

}  // namespace netlab::net
