// SPDX-License-Identifier: MIT
#include "net/standard_stream.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace netlab::net {
namespace {

constexpr int large_pipe = 1024 * 1024;  // the default limit for unprivileged users (pipe-max-size, proc(5))

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

standard_stream::standard_stream(const asio::any_io_executor& executor, int fd, use direction)
    : fd_(fd), use_(direction), readiness_(executor) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) {
    kind_ = kind::direct;  // read() or write() will report the error
    return;
  }
  if (S_ISSOCK(about.st_mode)) {
    kind_ = kind::socket;
  } else if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode) || S_ISBLK(about.st_mode)) {
    kind_ = kind::direct;
  } else {
    const int flags = (direction == use::input ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    own_ = unique_fd(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags));
    // Only terminals and pipes: some devices can be opened only once, or act when they are opened.
    if (own_ && (S_ISFIFO(about.st_mode) || ::isatty(fd) == 1)) {
      fd_ = own_.get();
      kind_ = kind::non_blocking;
    }
    if (S_ISFIFO(about.st_mode) && ::fcntl(fd_, F_GETPIPE_SZ) < large_pipe) ::fcntl(fd_, F_SETPIPE_SZ, large_pipe);
  }
  if (kind_ != kind::direct) watch();
}

void standard_stream::watch() {
  unique_fd watcher(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted{};
  wanted.events = use_ == use::input ? EPOLLIN : EPOLLOUT;
  if (!watcher || ::epoll_ctl(watcher.get(), EPOLL_CTL_ADD, fd_, &wanted) != 0) {
    kind_ = kind::direct;  // EPERM: /dev/null and the like, which never block
    return;
  }
  std::error_code ignored;
  readiness_.assign(watcher.release(), ignored);
}

bool standard_stream::is_terminal() const noexcept { return ::isatty(fd_) == 1; }

void standard_stream::cancel() {
  std::error_code ignored;
  if (readiness_.is_open()) readiness_.cancel(ignored);
}

asio::awaitable<std::error_code> standard_stream::wait() {
  const auto [error] = co_await readiness_.async_wait(asio::posix::stream_descriptor::wait_read, use_tuple);
  co_return error;
}

ssize_t standard_stream::try_read(std::span<std::byte> into) const {
  if (kind_ == kind::socket) return ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  return ::read(fd_, into.data(), into.size());
}

ssize_t standard_stream::try_write(bytes_view octets) const {
  if (kind_ == kind::socket) return ::send(fd_, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  // A pipe that has room at all has room for PIPE_BUF octets (pipe(7)).
  const std::size_t most = kind_ == kind::gated ? PIPE_BUF : octets.size();
  return ::write(fd_, octets.data(), std::min(octets.size(), most));
}

asio::awaitable<result<std::size_t>> standard_stream::read(std::span<std::byte> into) {
  bool must_wait = kind_ == kind::gated;
  for (;;) {
    if (must_wait) {
      const std::error_code error = co_await wait();
      if (error) co_return fail(error, "read stdin");
    }
    const ssize_t size = try_read(into);
    if (size >= 0) co_return static_cast<std::size_t>(size);
    // A terminal that has hung up gives EIO, which means end of input.
    if (errno == EIO && kind_ == kind::non_blocking) co_return std::size_t{0};
    if (!would_block(errno) && errno != EINTR) co_return fail(last_system_error(), "read stdin");
    must_wait = kind_ != kind::direct;
  }
}

asio::awaitable<std::error_code> standard_stream::write(bytes_view octets) {
  bool must_wait = kind_ == kind::gated;
  while (!octets.empty()) {
    if (must_wait) {
      const std::error_code error = co_await wait();
      if (error) co_return error;
    }
    const ssize_t size = try_write(octets);
    if (size >= 0) {
      octets = octets.subspan(static_cast<std::size_t>(size));
      must_wait = kind_ == kind::gated;
    } else if (would_block(errno)) {
      must_wait = true;
    } else if (errno != EINTR) {
      co_return last_system_error();
    }
  }
  co_return std::error_code();
}

}  // namespace netlab::net
