// SPDX-License-Identifier: MIT
// Standard input and output in a loop that must not wait for them.
#pragma once

#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/fd.hpp"

namespace netlab::net {

/// A descriptor that others share: a terminal, a pipe, a file, a socket. It is never made non-blocking, which would
/// change it for every program that has it; where that is possible it is opened once more instead. Files, which cannot
/// be waited for (epoll(7)), are read and written at once. One operation at a time.
class standard_stream {
 public:
  enum class use : std::uint8_t { input, output };

  /// The descriptor is not closed.
  standard_stream(const asio::any_io_executor& executor, int fd, use what);
  standard_stream(const standard_stream&) = delete;
  standard_stream& operator=(const standard_stream&) = delete;

  /// At least one octet, as soon as there is one; 0 at the end.
  [[nodiscard]] asio::awaitable<result<std::size_t>> read(std::span<std::byte> into);
  /// All of it; no error when it is written.
  [[nodiscard]] asio::awaitable<std::error_code> write(bytes_view octets);
  /// The operation under way fails with operation_aborted, unless it can go on at once.
  void cancel();

  [[nodiscard]] bool is_terminal() const noexcept;

 private:
  enum class kind : std::uint8_t {
    direct,        ///< a file: never waited for
    non_blocking,  ///< opened by us: says EAGAIN
    socket,        ///< says it when asked to
    gated          ///< neither: waited for, and given no more than it surely takes
  };
  void watch();
  [[nodiscard]] asio::awaitable<std::error_code> wait();
  [[nodiscard]] ssize_t try_read(std::span<std::byte> into) const;
  [[nodiscard]] ssize_t try_write(bytes_view octets) const;

  int fd_;
  use use_;
  kind kind_ = kind::gated;
  unique_fd own_;                              // the same file, opened by us
  asio::posix::stream_descriptor readiness_;  // an epoll instance that looks at fd_
};

}  // namespace netlab::net
