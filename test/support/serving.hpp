// SPDX-License-Identifier: MIT
// Runs a service in threads of the test, on a free port, and coroutines until they end.
#pragma once

#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "serve/service.hpp"

namespace netlab::test {

/// Collects the log lines of a server, from any thread.
class log_lines {
 public:
  void operator()(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
  }
  [[nodiscard]] std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class running {
 public:
  running(serve::servable& handler, const serve::limits& limits,
          serve::listen_options where = {.tcp = true, .udp = true}, unsigned threads = 2)
      : threads_(threads), engine_(handler.run_on(threads_, limits)) {
    where.sockets_each = threads;
    auto sockets = serve::listen(where);
    if (!sockets) throw std::runtime_error(describe(sockets.error()));
    port_ = sockets->front().port;
    engine_->start(*sockets);
    threads_.start();
  }
  ~running() { threads_.join(); }
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] serve::engine& service() noexcept { return *engine_; }

  /// Stops the service as SIGTERM would; the future is ready when everything is closed.
  [[nodiscard]] std::future<void> stop() {
    auto drained = std::make_shared<std::promise<void>>();
    engine_->stop([drained] { drained->set_value(); });
    return drained->get_future();
  }

 private:
  serve::workers threads_;
  std::unique_ptr<serve::engine> engine_;
  std::uint16_t port_ = 0;
};

[[nodiscard]] inline bool is_ready(const std::future<void>& done) {
  return done.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
}

/// Polls until the predicate holds; false after a long time.
template <class Predicate>
[[nodiscard]] bool becomes_true(Predicate holds) {
  const time_point end = clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Runs a coroutine in this loop and returns its outcome.
template <class Value>
[[nodiscard]] Value outcome_of(asio::io_context& on, asio::awaitable<Value> task) {
  std::optional<Value> outcome;
  const auto keep = [&outcome](asio::awaitable<Value> inner) -> asio::awaitable<void> {
    outcome.emplace(co_await std::move(inner));
  };
  asio::co_spawn(on, keep(std::move(task)), net::rethrow);
  on.restart();
  on.run_for(std::chrono::seconds(40));
  if (!outcome) throw std::runtime_error("waited for a coroutine that does not end");
  return std::move(*outcome);
}
template <class Value>
[[nodiscard]] Value outcome_of(asio::awaitable<Value> task) {
  asio::io_context loop{1};
  return outcome_of(loop, std::move(task));
}

}  // namespace netlab::test
