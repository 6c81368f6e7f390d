// SPDX-License-Identifier: MIT
// Reads lines from a file, a pipe or a terminal as they arrive.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// Removes a byte order mark and line ends. Reads a regular file when its lines are taken. Reads everything else in a
/// thread, because making a terminal non-blocking would affect every program that shares it. Use it in the loop's
/// thread.
class line_input {
 public:
  struct line {
    std::string text;
    bool too_long = false;  ///< it exceeded the limit; `text` is empty
  };

  /// `limit`: the maximum number of octets in a line. Does not close the descriptor.
  line_input(asio::io_context& on, int fd, std::size_t limit);
  /// If the thread still waits for input, it is detached; it does not touch this object any more.
  ~line_input();
  line_input(const line_input&) = delete;
  line_input& operator=(const line_input&) = delete;

  /// The next line, if one has arrived. A line of a regular file is always available until its end.
  [[nodiscard]] std::optional<line> take();
  /// True if the end was reached and every line was taken.
  [[nodiscard]] bool finished() const;
  /// The read error (errno) that ended the input early, if there was one.
  [[nodiscard]] std::error_code error() const;
  /// `callback` is called in the loop's thread when a line has arrived or the input has ended.
  void on_change(std::function<void()> callback);

 private:
  struct shared;
  void read_file();

  asio::io_context& loop_;
  int file_ = -1;  // set for a regular file, which is read without the thread
  std::shared_ptr<shared> shared_;
};

}  // namespace netlab::net
