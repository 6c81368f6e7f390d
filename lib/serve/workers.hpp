// SPDX-License-Identifier: MIT
// Event loops, each with a thread of its own.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "net/asio.hpp"

namespace netlab::serve {

/// A set of io_contexts. A thread runs each of them from start() to the destructor, even without work. Call its
/// functions from one thread only.
class workers {
 public:
  /// At least one; 0: one per core that this process may use (sched_getaffinity(2)).
  explicit workers(unsigned count);
  ~workers();
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(all_.size()); }
  [[nodiscard]] asio::io_context& context(unsigned index) noexcept { return all_[index]->context; }

  /// Lets the thread run this function instead of its io_context, until the function returns; `interrupt` makes it
  /// return. Call it before the threads are created. Both functions are destroyed when the threads have been joined.
  void occupy(unsigned index, std::function<void()> run, std::function<void()> interrupt);

  /// Creates the threads, which wait for start(), with all signals blocked, because the calling thread handles them. An
  /// exception in a handler ends that loop; `failed` is then called in its thread, and join() rethrows it. Throws
  /// std::system_error if the system refuses a thread; no thread is left then.
  void create_threads(std::function<void()> failed = {});
  /// Lets the threads run their loops; creates them if they do not exist. Allocates nothing if they do.
  void start();

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

  enum class phase { waiting, running, stopping };

  std::vector<std::unique_ptr<worker>> all_;
  std::atomic<phase> phase_{phase::waiting};
};

}  // namespace netlab::serve
