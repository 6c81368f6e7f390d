// SPDX-License-Identifier: MIT
#include "calc/io/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <list>
#include <utility>

namespace netlab::calc::event_loop_test {

using namespace std::chrono_literals;

namespace {

/// Ready as soon as it is watched, and until it is ignored: nobody reads its counter.
class ready_source final : public calc::event_loop::source {
 public:
  ready_source(calc::event_loop& loop, std::function<void(ready_source&)> act)
      : loop_(loop), act_(std::move(act)), fd_(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~ready_source() { ignore(); }

  [[nodiscard]] std::error_code watch() { return loop_.watch(fd_.get(), EPOLLIN, *this); }
  void ignore() { loop_.ignore(fd_.get()); }

  void ready(std::uint32_t, time_point) override { act_(*this); }

 private:
  calc::event_loop& loop_;
  std::function<void(ready_source&)> act_;
  net::unique_fd fd_;
};

class stopping_timer final : public calc::event_loop::timer {
 public:
  stopping_timer(calc::event_loop& loop, bool& expired) : timer(loop), stopped_(loop), expired_(expired) {}

 private:
  void expired(time_point) override {
    expired_ = true;
    stopped_.stop();
  }

  calc::event_loop& stopped_;
  bool& expired_;
};

}  // namespace

TEST_CASE("event loop: a timer expires although more sources are always ready than a turn serves", "[calc][loop]") {
  constexpr std::size_t sources = 300;
  constexpr std::size_t turns = 1000;
  calc::event_loop loop;
  std::size_t calls = 0;
  std::list<ready_source> all;
  for (std::size_t count = 0; count < sources; ++count) {
    all.emplace_back(loop, [&](ready_source&) {
      if (++calls == turns * sources) loop.stop();
    });
    REQUIRE_FALSE(all.back().watch());
  }
  bool has_expired = false;
  stopping_timer due(loop, has_expired);
  due.arm(clock::now());
  loop.run();
  CHECK(has_expired);
  CHECK(calls < turns * sources);
}

TEST_CASE("event loop: all sources that are ready at a deadline are served before its timer", "[calc][loop]") {
  constexpr std::size_t sources = 600;
  calc::event_loop loop;
  std::size_t served = 0;
  std::list<ready_source> all;
  for (std::size_t count = 0; count < sources; ++count) {
    all.emplace_back(loop, [&](ready_source& each) {
      ++served;
      each.ignore();
    });
    REQUIRE_FALSE(all.back().watch());
  }
  bool has_expired = false;
  stopping_timer due(loop, has_expired);
  due.arm(clock::now());
  loop.run();
  CHECK(has_expired);
  CHECK(served == sources);
}

TEST_CASE("event loop: input that waits is served before a due timer, also when the loop has long been busy",
          "[calc][loop]") {
  constexpr std::size_t busy_sources = 300;  // more than a turn serves: each turn is full
  constexpr std::size_t calls_before = 100 * 256;
  constexpr std::size_t sources = 600;
  calc::event_loop loop;
  bool has_expired = false;
  stopping_timer due(loop, has_expired);
  std::size_t served = 0;
  std::list<ready_source> waiting;
  for (std::size_t count = 0; count < sources; ++count)
    waiting.emplace_back(loop, [&](ready_source& each) {
      ++served;
      each.ignore();
    });
  const auto begin = [&] {
    due.arm(clock::now() - 1s);
    for (ready_source& each : waiting) REQUIRE_FALSE(each.watch());
  };
  std::size_t calls = 0;
  std::list<ready_source> busy;
  for (std::size_t count = 0; count < busy_sources; ++count) {
    busy.emplace_back(loop, [&](ready_source&) {
      if (++calls == calls_before) loop.post(begin);  // runs between two turns
    });
    REQUIRE_FALSE(busy.back().watch());
  }
  loop.run();
  CHECK(has_expired);
  CHECK(served == sources);
}

}  // namespace netlab::calc::event_loop_test
