// SPDX-License-Identifier: MIT
#include "frame/background_output.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <utility>

#include "base/result.hpp"
#include "net/signals_blocked.hpp"

namespace netlab::app {

background_output::background_output(int fd) : fd_(fd) {
  const net::signals_blocked until_it_is_started;
  thread_ = std::thread([this]() noexcept { run(); });
}

background_output::~background_output() { finish(); }

void background_output::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (error_) return;
  if (waiting_.size() + text.size() >= max_waiting) {
    ++dropped_;
    return;
  }
  try {
    waiting_.reserve(waiting_.size() + text.size() + 1);
  } catch (const std::bad_alloc&) {
    ++dropped_;
    return;
  }
  waiting_ += text;
  waiting_ += '\n';
  changed_.notify_one();
}

std::uint64_t background_output::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  return dropped_;
}

std::error_code background_output::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void background_output::run() noexcept {
  std::string taken;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !waiting_.empty() || ending_; });
    if (waiting_.empty()) return;
    std::swap(taken, waiting_);
    lock.unlock();
    const bool was_written = write_all(taken);
    lock.lock();
    taken.clear();
    if (was_written) continue;
    waiting_.clear();
    return;
  }
}

/// Returns false if the reader has stopped reading.
bool background_output::write_all(std::string_view octets) {
  constexpr int look_again_ms = 100;  // interval of checking whether to end
  time_point progress = clock::now();
  while (!octets.empty()) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    const int is_ready = ::poll(&ready, 1, look_again_ms);
    if (is_ready == 0) {
      const std::lock_guard lock(mutex_);
      if (!ending_) progress = clock::now();
      if (clock::now() < progress + last_wait) continue;
      for (const std::string_view left : {octets, std::string_view(waiting_)})
        dropped_ += static_cast<std::uint64_t>(std::count(left.begin(), left.end(), '\n'));
      return false;
    }
    // A pipe that has room at all has room for PIPE_BUF octets (pipe(7)).
    const ssize_t written = ::write(fd_, octets.data(), std::min<std::size_t>(octets.size(), PIPE_BUF));
    if (written >= 0) {
      octets.remove_prefix(static_cast<std::size_t>(written));
      progress = clock::now();
    } else if (errno != EINTR && errno != EAGAIN) {
      const std::lock_guard lock(mutex_);
      error_ = last_system_error();
      return false;
    }
  }
  return true;
}

}  // namespace netlab::app
