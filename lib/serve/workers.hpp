// SPDX-License-Identifier: MIT
// Event loops, each with a thread of its own.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "net/asio.hpp"

namespace netlab::serve {

/// A set of io_contexts. A thread runs each of them from start() to the destructor, even without work.
class workers {
 public:
  /// At least one; 0: one per core that this process may use (sched_getaffinity(2)).
  explicit workers(unsigned count);
  ~workers();
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(all_.size()); }
  [[nodiscard]] asio::io_context& context(unsigned index) noexcept { return all_[index]->context; }

  /// Lets the thread run this function instead of its io_context, until the function returns, which `interrupt` makes
  /// it do. Call it before start(). Both functions are forgotten when the threads have been joined.
  void occupy(unsigned index, std::function<void()> run, std::function<void()> interrupt);

  /// Starts the threads with all signals blocked, because the calling thread handles them. An exception in a handler
  /// ends that loop; `failed` is then called in its thread, and join() rethrows it. If the system refuses a thread,
  /// those already started are stopped before std::system_error is thrown.
  void start(std::function<void()> failed = {});

  /// Stops the loops, joins the threads, and rethrows an exception of a handler, if there was one.
  void join();
  /// The same without rethrowing.
  void stop() noexcept;

 private:
  struct worker {
    asio::io_context context{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{context.get_executor()};
    std::function<void()> run;  // instead of the io_context's
    std::function<void()> interrupt;
    std::thread thread;
    std::exception_ptr thrown;
  };

  std::vector<std::unique_ptr<worker>> all_;
};

}  // namespace netlab::serve
