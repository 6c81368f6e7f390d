// SPDX-License-Identifier: MIT
#include "net/line_input.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/line_buffer.hpp"
#include "net/out_of_memory.hpp"
#include "net/signals_blocked.hpp"

namespace netlab::net {
namespace {

// Limits of reading ahead. At a limit the thread waits, and so does the program that writes to the pipe.
constexpr std::size_t max_lines_ahead = 4096;
constexpr std::size_t max_octets_ahead = 1024 * 1024;

constexpr std::size_t piece_size = 64 * 1024;  // octets per read(2)

}  // namespace

struct line_input::shared : std::enable_shared_from_this<shared> {
  shared(asio::io_context& on, std::size_t limit) : loop(on.get_executor()), buffer(limit) {}

  // Runs in the reading thread.
  void run(int fd) noexcept {
    try {
      read(fd);
    } catch (const std::bad_alloc&) {
      const std::lock_guard lock(mutex);
      error = std::make_error_code(std::errc::not_enough_memory);
      ended = true;
      notify();
    }
  }

  void read(int fd) {
    std::vector<char> piece(piece_size);  // not on the stack, which may be that small
    for (;;) {
      const ssize_t size = ::read(fd, piece.data(), piece.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) {  // the caller's descriptor is non-blocking
        pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
        ::poll(&ready, 1, -1);
        continue;
      }
      std::unique_lock lock(mutex);
      if (!loop) return;
      if (size <= 0) {
        if (size < 0) error = last_system_error();
        if (const auto rest = buffer.rest()) add(*rest);
        ended = true;
        return notify();
      }
      buffer.append({piece.data(), static_cast<std::size_t>(size)});
      while (const auto next = buffer.next()) add(*next);
      notify();
      room.wait(lock, [this] { return has_room() || !loop; });
      if (!loop) return;
    }
  }

  void add(const line_buffer::line& next) {
    const std::string_view text = std::exchange(is_first, false) ? without_byte_order_mark(next.text) : next.text;
    octets += text.size();
    lines.push_back({std::string(text), next.too_long});
  }

  [[nodiscard]] bool has_room() const { return lines.size() < max_lines_ahead && octets < max_octets_ahead; }

  // Call with the lock held, so that the context still exists: the destructor takes the lock before it resets `loop`.
  void notify() {
    if (!loop) return;
    insist([this] {
      asio::post(*loop, [self = shared_from_this()] {
        if (self->changed) self->changed();
      });
    });
  }

  std::mutex mutex;
  std::condition_variable room;
  std::optional<asio::io_context::executor_type> loop;  // reset when the line_input is destroyed
  line_buffer buffer;
  std::deque<line> lines;
  std::size_t octets = 0;  // octets in `lines`
  std::error_code error;
  bool is_first = true;  // no line was read yet
  bool ended = false;
  std::function<void()> changed;  // used in the loop's thread only
};

line_input::line_input(asio::io_context& on, int fd, std::size_t limit)
    : loop_(on), shared_(std::make_shared<shared>(on, limit)) {
  struct stat about{};
  if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
    file_ = fd;
    return;
  }
  const signals_blocked until_it_is_started;
  std::thread([state = shared_, fd]() noexcept { state->run(fd); }).detach();
}

line_input::~line_input() {
  shared_->changed = {};
  const std::lock_guard lock(shared_->mutex);
  shared_->loop.reset();
  shared_->room.notify_all();
}

/// Reads until there is a line or the file ends.
void line_input::read_file() {
  shared& its = *shared_;
  std::vector<char> piece(piece_size);
  while (its.lines.empty() && !its.ended) {
    const ssize_t size = ::read(file_, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size > 0) {
      its.buffer.append({piece.data(), static_cast<std::size_t>(size)});
      while (const auto next = its.buffer.next()) its.add(*next);
      continue;
    }
    if (size < 0) its.error = last_system_error();
    if (const auto rest = its.buffer.rest()) its.add(*rest);
    its.ended = true;
  }
}

std::optional<line_input::line> line_input::take() {
  if (file_ >= 0) read_file();
  const std::lock_guard lock(shared_->mutex);
  if (shared_->lines.empty()) return std::nullopt;
  line next = std::move(shared_->lines.front());
  shared_->lines.pop_front();
  shared_->octets -= next.text.size();
  if (shared_->has_room()) shared_->room.notify_all();
  return next;
}

bool line_input::finished() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->ended && shared_->lines.empty();
}

std::error_code line_input::error() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->error;
}

void line_input::on_change(std::function<void()> callback) {
  shared_->changed = std::move(callback);
  if (file_ < 0 || !shared_->changed) return;
  asio::post(loop_, [its = shared_] {
    if (its->changed) its->changed();
  });
}

}  // namespace netlab::net
