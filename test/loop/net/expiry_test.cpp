// SPDX-License-Identifier: MIT
#include "net/expiry.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>

namespace netlab::net::expiry_test {

TEST_CASE("expiry: a pending operation is cancelled at the prolonged deadline", "[net][loop]") {
  asio::io_context loop;
  asio::steady_timer timer(loop, never);
  const time_point first = clock::now() + std::chrono::milliseconds(1);
  const time_point later = first + std::chrono::milliseconds(20);
  expiry limit(timer, first);
  limit.prolong(later);
  time_point ended{};
  timer.async_wait([&](std::error_code) { ended = clock::now(); });
  loop.run();
  CHECK(limit.passed());
  CHECK(ended >= later);
}

TEST_CASE("expiry: nothing is cancelled after its destruction, even if the deadline has passed", "[net][loop]") {
  asio::io_context loop;
  asio::steady_timer timer(loop, never);
  bool was_cancelled = false;
  {
    const expiry limit(timer, time_point());
    // The timer is due, but its handler has not run yet.
  }
  timer.async_wait([&](std::error_code) { was_cancelled = true; });
  loop.run_for(std::chrono::milliseconds(5));
  CHECK_FALSE(was_cancelled);
}

TEST_CASE("expiry: no timer runs without a deadline", "[net][loop]") {
  asio::io_context loop;
  asio::steady_timer timer(loop, never);
  const expiry limit(timer, never);
  CHECK(loop.poll() == 0);
  CHECK_FALSE(limit.passed());
}

}  // namespace netlab::net::expiry_test
