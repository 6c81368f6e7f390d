// SPDX-License-Identifier: MIT
// A thread's event loop around epoll (epoll(7)), for the paths where Asio's costs too much: see test/bench/README.md.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "net/fd.hpp"

namespace netlab::calc {

/// Level-triggered unless a source asks for EPOLLET: what is not read or written now is reported again. Only post() and
/// stop() may be called from other threads. Within a turn, I/O comes before posted functions, and these before timers,
/// so that input which waited while the process was stopped counts before the deadline that has passed meanwhile.
/// Sources that are ready all the time cannot hold timers up for more than a bounded number of turns.
class event_loop {
 public:
  /// Has a file descriptor in the loop. It may destroy itself, but no other source, while it is called.
  class source {
   public:
    /// `events`: those that it is watched for, EPOLLHUP, EPOLLERR.
    virtual void ready(std::uint32_t events, time_point now) = 0;

   protected:
    ~source() = default;
  };

  /// A deadline. Moving it to a later time costs nothing: it expires at the earlier one, and its owner arms it again.
  class timer {
   public:
    explicit timer(event_loop& loop) : loop_(loop) {}
    virtual ~timer() { disarm(); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    /// `never`: does nothing. Throws std::bad_alloc.
    void arm(time_point at) {
      if (at < armed_for_) rearm(at);
    }
    void disarm() noexcept;

   protected:
    /// Not armed any more. It may destroy itself, but no other timer.
    virtual void expired(time_point now) = 0;

   private:
    friend class event_loop;
    void rearm(time_point at);
    event_loop& loop_;
    time_point armed_for_ = never;
  };

  /// Throws std::system_error if the system refuses the descriptors.
  event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Returns after stop(). Exceptions of sources, timers and functions pass through.
  void run();
  void stop() noexcept;
  /// Calls the function in the loop's thread.
  void post(std::function<void()> act);

  /// Fails if the kernel has no memory for it, or too many descriptors are watched.
  [[nodiscard]] std::error_code watch(int fd, std::uint32_t events, source& by) noexcept;
  /// The events that a watched descriptor is to be watched for from now on. Those that hold already are reported, even
  /// with EPOLLET.
  void change(int fd, std::uint32_t events, source& by) noexcept;
  /// Call it before a watched descriptor is closed: a child process between fork() and exec() may still have a copy,
  /// for which events would be reported (epoll(7)). A descriptor that is not watched, or -1, is ignored.
  void ignore(int fd) noexcept;

 private:
  void wake() noexcept;
  void run_posted();
  void run_timers(time_point now);
  void set_alarm(time_point at) noexcept;

  net::unique_fd epoll_;
  net::unique_fd wakeup_;  // eventfd(2)
  net::unique_fd alarm_;  // timerfd(2): the first deadline; set only when it moves to an earlier time
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::set<std::pair<time_point, timer*>> timers_;
  time_point alarm_at_ = never;
};

/// True if a system call is to be repeated when its descriptor is ready.
[[nodiscard]] inline bool is_temporary(int error) noexcept { return error == EAGAIN || error == EINTR; }

}  // namespace netlab::calc
