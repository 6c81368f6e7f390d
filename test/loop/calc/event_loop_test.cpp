// SPDX-License-Identifier: MIT
#include "calc/io/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <catch2/catch_test_macros.hpp>

#include <list>

using namespace netlab;
using namespace std::chrono_literals;

namespace {

/// A descriptor that is always ready, because nobody reads it.
class always_ready final : public calc::event_loop::source {
 public:
  always_ready(calc::event_loop& loop, std::size_t& calls, std::size_t most_calls)
      : loop_(loop), calls_(calls), most_calls_(most_calls), fd_(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~always_ready() { loop_.ignore(fd_.get()); }

  [[nodiscard]] std::error_code start() { return loop_.watch(fd_.get(), EPOLLIN, *this); }

  void ready(std::uint32_t, time_point) override {
    if (++calls_ == most_calls_) loop_.stop();
  }

 private:
  calc::event_loop& loop_;
  std::size_t& calls_;
  std::size_t most_calls_;
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
  std::list<always_ready> all;
  for (std::size_t count = 0; count < sources; ++count) {
    all.emplace_back(loop, calls, turns * sources);
    REQUIRE_FALSE(all.back().start());
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
  std::size_t calls = 0;
  struct once final : calc::event_loop::source {
    once(calc::event_loop& on, std::size_t& count)
        : loop(on), calls(count), fd(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~once() { loop.ignore(fd.get()); }
    void ready(std::uint32_t, time_point) override {
      ++calls;
      loop.ignore(fd.get());
    }
    calc::event_loop& loop;
    std::size_t& calls;
    net::unique_fd fd;
  };
  std::list<once> all;
  for (std::size_t count = 0; count < sources; ++count) {
    once& each = all.emplace_back(loop, calls);
    REQUIRE_FALSE(loop.watch(each.fd.get(), EPOLLIN, each));
  }
  bool has_expired = false;
  stopping_timer due(loop, has_expired);
  due.arm(clock::now());
  loop.run();
  CHECK(has_expired);
  CHECK(calls == sources);
}
