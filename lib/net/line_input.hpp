// SPDX-License-Identifier: MIT
// Lines from a file descriptor that may be a file, a pipe or a terminal, as they come.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::net {

/// Without a byte order mark and line ends. A regular file is read when its lines are taken; everything else by a
/// thread, because making a terminal non-blocking would change it for every program that shares it. Used from the
/// loop's thread.
class line_input {
 public:
  struct line {
    std::string text;
    bool too_long = false;  ///< it passed the limit; the text is missing
  };

  /// `limit`: octets in a line. The descriptor is not closed.
  line_input(asio::io_context& on, int fd, std::size_t limit);
  /// The thread, if it still waits for input, is left behind; it touches nothing of ours.
  ~line_input();
  line_input(const line_input&) = delete;
  line_input& operator=(const line_input&) = delete;

  /// The next line, if it is there. A regular file's is there until the end.
  [[nodiscard]] std::optional<line> take();
  /// The end was reached and every line taken.
  [[nodiscard]] bool finished() const;
  /// What ended the input early, if it was an error (errno).
  [[nodiscard]] std::error_code error() const;
  /// Called in the loop's thread when a line or the end has come.
  void on_change(std::function<void()> callback);

 private:
  struct shared;
  void read_file();

  asio::io_context& loop_;
  int file_ = -1;  // a regular one; its lines never pass through the thread's hands
  std::shared_ptr<shared> shared_;
};

}  // namespace netlab::net
