// SPDX-License-Identifier: MIT
#include "net/background_resolver.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <utility>

#include "net/resolve.hpp"

namespace netlab::net {

struct background_resolver::shared {
  std::mutex mutex;
  std::vector<std::optional<outcome>> found;
  std::size_t left = 0;
  asio::steady_timer* waiter = nullptr;  // null while no coroutine waits

  // Call with the mutex held. The waiter clears the pointer under the mutex before it destroys its timer, so posting is
  // safe.
  void wake(const std::shared_ptr<shared>& self) const {
    if (waiter == nullptr) return;
    asio::post(waiter->get_executor(), [self] {
      const std::lock_guard lock(self->mutex);
      if (self->waiter != nullptr) self->waiter->cancel();
    });
  }

  /// Fails all remaining look-ups: the system refused a resource that they need.
  void give_up(const std::shared_ptr<shared>& self, std::error_code why) {
    const std::lock_guard lock(mutex);
    for (std::optional<outcome>& each : found)
      if (!each) each.emplace(fail(why, "look up names"));
    left = 0;
    wake(self);
  }

  [[nodiscard]] bool has_first(std::size_t count) const {
    return std::all_of(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size())),
                       [](const std::optional<outcome>& each) { return each.has_value(); });
  }
};

background_resolver::background_resolver(std::vector<std::string> hosts, family which, time_point deadline)
    : shared_(std::make_shared<shared>()) {
  shared_->found.resize(hosts.size());
  shared_->left = hosts.size();
  const auto take = [state = shared_](std::size_t which_host, const outcome& one) {
    const std::lock_guard lock(state->mutex);
    state->found[which_host] = one;
    --state->left;
    state->wake(state);
  };
  asio::co_spawn(loop_, resolve_all(std::move(hosts), which, deadline, take),
                 [](const std::exception_ptr& error, const std::vector<outcome>&) { rethrow(error); });
  // The main thread handles signals.
  sigset_t all_signals;
  sigset_t before;
  sigfillset(&all_signals);
  pthread_sigmask(SIG_BLOCK, &all_signals, &before);
  thread_ = std::thread([this, state = shared_] {
    try {
      loop_.run();
    } catch (const std::system_error& error) {  // no thread or file descriptor available
      state->give_up(state, error.code());
    } catch (const std::exception&) {
      state->give_up(state, std::make_error_code(std::errc::not_enough_memory));
    }
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

background_resolver::~background_resolver() {
  loop_.stop();
  thread_.join();
}

asio::awaitable<result<void>> background_resolver::wait(time_point until, std::size_t needed) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiter = &timer;
  }
  struct leave {
    shared& state;
    ~leave() {
      const std::lock_guard lock(state.mutex);
      state.waiter = nullptr;
    }
  } guard{*shared_};
  for (;;) {
    const bool is_late = clock::now() >= until;
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->left == 0 || (is_late && shared_->has_first(needed))) co_return result<void>();
    }
    timer.expires_at(is_late ? never : until);
    static_cast<void>(co_await timer.async_wait(use_tuple));
    if (is_cancelled(co_await asio::this_coro::cancellation_state))
      co_return fail(asio::error::operation_aborted, "resolve");
  }
}

std::vector<std::optional<background_resolver::outcome>> background_resolver::known() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->found;
}

}  // namespace netlab::net
