// SPDX-License-Identifier: MIT
#include "net/wake_up.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <string>

namespace netlab::net::wake_up_test {
namespace {

/// Waits again and again, and notes each time.
asio::awaitable<void> note_each(wake_up& happened, std::string& notes) {
  for (;;) {
    co_await happened.wait();
    notes += 'w';
  }
}

}  // namespace

TEST_CASE("wake_up: wake() resumes the coroutine at once, wake_later() after the handler has returned", "[net][loop]") {
  asio::io_context loop;
  wake_up happened(loop.get_executor());
  std::string notes;
  asio::co_spawn(loop, note_each(happened, notes), rethrow);
  asio::post(loop, [&] {
    notes += '1';
    happened.wake_later();
    notes += '2';
  });
  loop.poll();
  CHECK(notes == "12w");
  asio::post(loop, [&] {
    notes += '3';
    happened.wake();
    notes += '4';
  });
  loop.restart();
  loop.poll();
  CHECK(notes == "12w3w4");
}

TEST_CASE("wake_up: calls of wake() before wait() end one wait, however many they are", "[net][loop]") {
  asio::io_context loop;
  wake_up happened(loop.get_executor());
  std::string notes;
  happened.wake();
  happened.wake();
  asio::co_spawn(loop, note_each(happened, notes), rethrow);
  loop.poll();
  CHECK(notes == "w");
}

TEST_CASE("wake_up: a cancelled coroutine resumes, and knows why", "[net][loop]") {
  asio::io_context loop;
  wake_up happened(loop.get_executor());
  bool was_cancelled = false;
  const auto waits = [&]() -> asio::awaitable<void> {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await happened.wait();
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    was_cancelled = is_cancelled(state);
  };
  asio::cancellation_signal cancel;
  asio::co_spawn(loop, waits(), asio::bind_cancellation_slot(cancel.slot(), rethrow));
  loop.poll();
  cancel.emit(asio::cancellation_type::terminal);
  CHECK_FALSE(was_cancelled);  // only after emit() has returned
  loop.restart();
  loop.poll();
  CHECK(was_cancelled);
}

TEST_CASE("wake_up: a waiting coroutine is destroyed with its event loop", "[net][loop]") {
  const auto held = std::make_shared<int>();
  {
    asio::io_context loop;
    const auto waits = [](std::shared_ptr<int> mine) -> asio::awaitable<void> {
      wake_up happened(co_await asio::this_coro::executor);
      co_await happened.wait();
      ++*mine;
    };
    asio::co_spawn(loop, waits(held), rethrow);
    loop.poll();
    CHECK(held.use_count() > 1);
  }
  CHECK(held.use_count() == 1);
  CHECK(*held == 0);
}

TEST_CASE("wake_up: the coroutine that wake() resumes may destroy it", "[net][loop]") {
  asio::io_context loop;
  wake_up* happened = nullptr;
  const auto waits = [&]() -> asio::awaitable<void> {
    wake_up mine(co_await asio::this_coro::executor);
    happened = &mine;
    co_await mine.wait();
    happened = nullptr;
  };
  asio::co_spawn(loop, waits(), rethrow);
  asio::post(loop, [&] { happened->wake(); });
  loop.poll();
  CHECK(happened == nullptr);
}

}  // namespace netlab::net::wake_up_test
