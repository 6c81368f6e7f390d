// SPDX-License-Identifier: MIT
// Standard input and output in an event loop that must not block.
#pragma once

#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/fd.hpp"

namespace netlab::net {

/// A descriptor that may be shared with other programs: a terminal, a pipe, a file, a socket. It is never made
/// non-blocking, which would affect those programs; if possible, it is opened a second time instead. Files, which
/// epoll(7) cannot wait for, are read and written at once. One operation at a time.
class standard_stream {
 public:
  enum class use : std::uint8_t { input, output };

  /// Does not close the descriptor.
  standard_stream(const asio::any_io_executor& executor, int fd, use direction);
  standard_stream(const standard_stream&) = delete;
  standard_stream& operator=(const standard_stream&) = delete;

  /// Reads at least one octet, as soon as there is one; 0 at the end.
  [[nodiscard]] asio::awaitable<result<std::size_t>> read(std::span<std::byte> into);
  /// Writes all octets.
  [[nodiscard]] asio::awaitable<std::error_code> write(bytes_view octets);
  /// Makes the pending operation fail with operation_aborted, unless it can continue at once.
  void cancel();

  [[nodiscard]] bool is_terminal() const noexcept;

 private:
  enum class kind : std::uint8_t {
    direct,        ///< a file: no waiting
    non_blocking,  ///< opened by us: fails with EAGAIN
    socket,        ///< non-blocking by a flag of each call
    gated          ///< neither: waits first, then transfers no more than cannot block
  };
  void watch();
  [[nodiscard]] asio::awaitable<std::error_code> wait();
  [[nodiscard]] ssize_t try_read(std::span<std::byte> into) const;
  [[nodiscard]] ssize_t try_write(bytes_view octets) const;

  int fd_;
  use use_;
  kind kind_ = kind::gated;
  unique_fd own_;                              // the same file, opened by us
  asio::posix::stream_descriptor readiness_;  // an epoll instance that watches fd_
};

}  // namespace netlab::net
