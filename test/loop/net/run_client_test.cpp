// SPDX-License-Identifier: MIT
#include "net/run_client.hpp"

#include <chrono>
#include <csignal>
#include <thread>

#include <catch2/catch_test_macros.hpp>

namespace netlab::net::run_client_test {
namespace {

/// Ends in the next turn of the loop, before the handlers of whatever else is due by then.
asio::awaitable<void> next_turn() {
  asio::steady_timer due(co_await asio::this_coro::executor, time_point());
  static_cast<void>(co_await due.async_wait(use_tuple));
}

TEST_CASE("a client whose time is over has a failure that says so") {
  asio::io_context loop;
  const auto waits = []() -> asio::awaitable<result<int>> {
    asio::steady_timer ages(co_await asio::this_coro::executor, never);
    const auto [error] = co_await ages.async_wait(use_tuple);
    co_return unexpected(failure{error, "wait", {}, {}});
  };
  const auto ended = run_client(loop, waits(), std::chrono::milliseconds(1));
  REQUIRE(!ended);
  CHECK(ended.error().code == errc::timed_out);
}

TEST_CASE("a client that ends in the same turn of the loop as its time has its result") {
  asio::io_context loop;
  const auto waits = []() -> asio::awaitable<result<int>> {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    co_await next_turn();
    co_return 7;
  };
  const auto ended = run_client(loop, waits(), std::chrono::milliseconds(1));
  REQUIRE(ended);
  CHECK(*ended == 7);
}

TEST_CASE("a client that ends in the same turn of the loop as a signal arrives has its result") {
  asio::io_context loop;
  const auto waits = []() -> asio::awaitable<result<int>> {
    std::raise(SIGTERM);
    co_await next_turn();
    co_return 7;
  };
  const auto ended = run_client(loop, waits());
  REQUIRE(ended);
  CHECK(*ended == 7);
}

}  // namespace
}  // namespace netlab::net::run_client_test
