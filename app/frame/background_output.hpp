// SPDX-License-Identifier: MIT
// Writes lines to a reader that may be slow or may have stopped, without blocking.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/time.hpp"

namespace netlab::app {

/// Writes to a descriptor in a thread of its own.
class background_output {
 public:
  /// The most octets that may wait for the reader.
  static constexpr std::size_t max_waiting = 16 * 1024 * 1024;
  /// At the end: how long the reader may read nothing.
  static constexpr duration last_wait = std::chrono::seconds(2);

  explicit background_output(int fd);
  ~background_output();
  background_output(const background_output&) = delete;
  background_output& operator=(const background_output&) = delete;

  /// Queues a line without its line end; may be called from any thread. If the queue is full, drops and counts the
  /// line.
  void line(std::string_view text);

  /// Writes the remaining lines and ends. Returns the number of lines that were dropped or not read in time.
  std::uint64_t finish();
  /// The error that made writing fail, if any: EPIPE if the reader has gone.
  [[nodiscard]] std::error_code error() const;

 private:
  void run() noexcept;
  [[nodiscard]] bool write_all(std::string_view octets);

  int fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;
  std::uint64_t dropped_ = 0;
  std::error_code error_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace netlab::app
