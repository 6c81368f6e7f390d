// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

namespace netlab::net {

/// Owns a file descriptor.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// `yes`: closing the TCP socket sends a reset and discards what is unsent, so that the local port does not stay in
/// TIME_WAIT for a minute. `no`: the default, an orderly close with FIN (SO_LINGER, socket(7)).
inline void set_reset_on_close(int fd, bool yes) noexcept {
  const linger at_close{.l_onoff = yes ? 1 : 0, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_close, sizeof at_close);
}

/// Raises the soft limit of file descriptors to the hard limit. The soft limit is often 1024 for select(2), which
/// netlab does not use; each connection needs a descriptor.
inline void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The number of descriptors that this process may have open.
[[nodiscard]] inline std::size_t descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace netlab::net
