// SPDX-License-Identifier: MIT
// One event loop a thread, none shared.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "net/asio.hpp"

namespace netlab::net {

/// A set of io_contexts, each run by a thread of its own from start() to the destructor. They do not end
/// for lack of work.
class workers {
 public:
  /// At least one; 0 means one for each core this process may use (sched_getaffinity(2)).
  explicit workers(unsigned count);
  ~workers();
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(all_.size()); }
  [[nodiscard]] asio::io_context& context(unsigned index) noexcept { return all_[index]->context; }

  /// Starts the threads, with all signals blocked in them: those are for the thread that started it. A
  /// handler that throws ends its loop; `failed` is then called in its thread, and join() rethrows.
  /// Where the system refuses a thread, those already started are stopped before std::system_error leaves.
  void start(std::function<void()> failed = {});

  /// Stops the loops, joins the threads, and rethrows what a handler threw, if any did.
  void join();
  /// The same without what was thrown.
  void stop() noexcept;

 private:
  struct worker {
    asio::io_context context{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{context.get_executor()};
    std::thread thread;
    std::exception_ptr thrown;
  };

  std::vector<std::unique_ptr<worker>> all_;
};

}  // namespace netlab::net
