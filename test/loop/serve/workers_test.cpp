// SPDX-License-Identifier: MIT
#include "serve/workers.hpp"

#include <catch2/catch_test_macros.hpp>

#include <future>

#include <atomic>
#include <set>
#include <stdexcept>

#include "support/serving.hpp"

namespace netlab::serve::workers_test {

using test::becomes_true;

TEST_CASE("workers: each loop runs in a thread of its own", "[serve][loop]") {
  serve::workers all(3);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (unsigned index = 0; index < all.size(); ++index)
    asio::post(all.context(index), [&] {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
  all.start();
  CHECK(becomes_true([&] {
    const std::lock_guard lock(mutex);
    return threads.size() == 3;
  }));
  all.join();
}

TEST_CASE("workers: 0 means as many as there are cores", "[serve][loop]") { CHECK(serve::workers(0).size() >= 1); }

TEST_CASE("workers: what a handler throws is told at once, and thrown again by join", "[serve][loop]") {
  serve::workers all(2);
  std::atomic<int> failed = 0;
  asio::post(all.context(1), [] { throw std::runtime_error("a bug"); });
  all.create_threads([&] { ++failed; });
  all.start();
  CHECK(becomes_true([&] { return failed == 1; }));
  CHECK_THROWS_AS(all.join(), std::runtime_error);
}

TEST_CASE("workers: threads that were created run nothing until they are started", "[serve][loop]") {
  std::atomic<bool> started = false;
  std::atomic<bool> was_early = false;
  {
    serve::workers never_started(2);
    asio::post(never_started.context(0), [&] { was_early = true; });
    never_started.create_threads();
  }
  serve::workers all(2);
  std::promise<void> done;
  asio::post(all.context(1), [&] {
    if (!started) was_early = true;
    done.set_value();
  });
  all.create_threads();
  started = true;
  all.start();
  done.get_future().wait();
  all.join();
  CHECK_FALSE(was_early);
}

TEST_CASE("workers: an occupied worker runs a function of its own until it is interrupted", "[serve][loop]") {
  std::promise<void> runs;
  std::promise<void> interrupted;
  serve::workers two(2);
  two.occupy(
      1,
      [&] {
        runs.set_value();
        interrupted.get_future().wait();
      },
      [&] { interrupted.set_value(); });
  std::promise<void> posted;
  asio::post(two.context(0), [&] { posted.set_value(); });
  two.start();
  runs.get_future().wait();
  posted.get_future().wait();
  two.join();
  two.stop();  // which does not interrupt again
}

}  // namespace netlab::serve::workers_test
