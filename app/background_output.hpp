// SPDX-License-Identifier: MIT
// Lines for a reader that may be slow, or may have stopped: nobody waits for it.
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
  /// What a reader may be late by, in octets.
  static constexpr std::size_t max_waiting = 16 * 1024 * 1024;
  /// At the end, how long a reader may take nothing.
  static constexpr duration last_wait = std::chrono::seconds(2);

  explicit background_output(int fd);
  ~background_output();
  background_output(const background_output&) = delete;
  background_output& operator=(const background_output&) = delete;

  /// A line without its end, from any thread. One for which there is no room is dropped, and counted.
  void line(std::string_view text);

  /// Writes what is left, and ends. Says how many lines were dropped, or were not taken by then.
  std::uint64_t finish();
  /// What made writing fail, if anything did: EPIPE where the reader went away.
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
