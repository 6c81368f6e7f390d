// SPDX-License-Identifier: MIT
#include "scan/io/engine_loop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <csignal>

namespace netlab::scan::engine_loop_test {

namespace {

/// Waits for ever, or has nothing to do.
class idle_engine final : public engine {
 public:
  explicit idle_engine(bool is_done) : is_done_(is_done) {}
  void handle(std::uint64_t, std::uint32_t, time_point) override {}
  [[nodiscard]] time_point turn(time_point, bool) override { return never; }
  [[nodiscard]] bool done() const override { return is_done_; }
  void abandon(time_point) override { is_done_ = true; }
  [[nodiscard]] engine_progress progress() const override { return {}; }

 private:
  bool is_done_;
};

run_outcome run_one(bool is_done, const held_signals& signals) {
  auto on = poller::make();
  REQUIRE(on);
  idle_engine one(is_done);
  engine* const all[] = {&one};
  const auto outcome = run(*on, all, signals, {});
  REQUIRE(outcome);
  return *outcome;
}

}  // namespace

TEST_CASE("engine loop: a signal that comes before, between or after loops ends the next one", "[scan][engine_loop]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const held_signals signals;
    CHECK(run_one(true, signals).signal == 0);
    REQUIRE(std::raise(signal) == 0);
    CHECK(run_one(true, signals).signal == 0);  // it had nothing to wait for
    CHECK(run_one(false, signals).signal == signal);
    REQUIRE(std::raise(signal) == 0);
    CHECK(run_one(false, signals).signal == signal);
    REQUIRE(std::raise(signal) == 0);  // after the last loop it is discarded, or the test would end here
  }
  sigset_t pending;
  sigset_t blocked;
  REQUIRE(::sigpending(&pending) == 0);
  REQUIRE(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    CHECK(::sigismember(&pending, signal) == 0);
    CHECK(::sigismember(&blocked, signal) == 0);
  }
}

}  // namespace netlab::scan::engine_loop_test
