// SPDX-License-Identifier: MIT
#include "calc/io/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/result.hpp"

namespace netlab::calc {
namespace {

// Sources served before posted functions, timers and newly ready sources get their turn.
constexpr std::size_t events_a_turn = 256;

// Timers that are due wait while turns are full (events_a_turn sources were ready), but at most this many turns. The
// kernel reports ready sources in rotation, so by then 64 * 256 = 16,384 have been served: more than the clients that a
// server takes by default.
constexpr std::size_t most_full_turns = 64;

net::unique_fd opened(int fd, const char* call) {
  if (fd < 0) throw std::system_error(last_system_error(), call);
  return net::unique_fd(fd);
}

// Clears the counter of an eventfd or a timerfd.
void clear(int fd) noexcept {
  std::uint64_t count = 0;
  static_cast<void>(!::read(fd, &count, sizeof count));
}

}  // namespace

void event_loop::timer::disarm() noexcept {
  if (armed_for_ == never) return;
  loop_.timers_.erase({armed_for_, this});
  armed_for_ = never;
}

void event_loop::timer::rearm(time_point at) {
  disarm();
  loop_.timers_.emplace(at, this);
  armed_for_ = at;
  if (at < loop_.alarm_at_) loop_.set_alarm(at);
}

event_loop::event_loop()
    : epoll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wakeup_(opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      alarm_(opened(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")) {
  for (const net::unique_fd* own : {&wakeup_, &alarm_}) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint64_t>(own->get())}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, own->get(), &event) != 0)
      throw std::system_error(last_system_error(), "epoll_ctl");
  }
}

void event_loop::run() {
  // A pointer is never as small as the number of a descriptor, so these two events need no source of their own.
  const auto is = [](const epoll_event& event, const net::unique_fd& own) {
    return event.data.u64 == static_cast<std::uint64_t>(own.get());
  };
  std::array<epoll_event, events_a_turn> events;
  std::size_t full_turns = 0;  // since a timer is due
  time_point due_since{};
  while (!stopped_.load(std::memory_order_acquire)) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (count < 0) continue;  // the process was stopped and continued (signal(7)): input comes before the timers
    const time_point now = clock::now();
    bool is_woken = false;
    for (std::size_t at = 0; at < static_cast<std::size_t>(count); ++at) {
      const epoll_event& event = events[at];
      if (is(event, wakeup_))
        is_woken = true;
      else if (!is(event, alarm_))
        static_cast<source*>(event.data.ptr)->ready(event.events, now);
    }
    if (is_woken) run_posted();
    // After a full turn, more input may wait, which comes first.
    if (alarm_at_ > now || count < static_cast<int>(events.size()))
      full_turns = 0;
    else if (full_turns++ == 0)
      due_since = now;
    if (alarm_at_ > now) continue;
    if (full_turns == 0) run_timers(now);
    if (full_turns < most_full_turns) continue;
    full_turns = 0;
    run_timers(due_since);
  }
}

void event_loop::stop() noexcept {
  stopped_.store(true, std::memory_order_release);
  wake();
}

void event_loop::post(std::function<void()> act) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(act));
  }
  wake();
}

void event_loop::wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wakeup_.get(), &one, sizeof one));
}

void event_loop::run_posted() {
  clear(wakeup_.get());
  std::vector<std::function<void()>> acts;
  {
    const std::lock_guard lock(mutex_);
    acts.swap(posted_);
  }
  for (const auto& act : acts) act();
}

void event_loop::run_timers(time_point now) {
  clear(alarm_.get());
  alarm_at_ = never;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    timer& first = *timers_.begin()->second;
    first.disarm();
    first.expired(now);
  }
  if (!timers_.empty()) set_alarm(timers_.begin()->first);
}

void event_loop::set_alarm(time_point at) noexcept {
  alarm_at_ = at;
  // The loop's clock is CLOCK_MONOTONIC. A time of 0 would disarm the timer.
  const auto since_boot = std::max(std::chrono::nanoseconds(1), std::chrono::nanoseconds(at.time_since_epoch()));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec spec{};
  spec.it_value.tv_sec = seconds.count();
  spec.it_value.tv_nsec = (since_boot - seconds).count();
  ::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

std::error_code event_loop::watch(int fd, std::uint32_t events, source& by) noexcept {
  epoll_event event{.events = events, .data = {.ptr = &by}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? std::error_code() : last_system_error();
}

void event_loop::change(int fd, std::uint32_t events, source& by) noexcept {
  epoll_event event{.events = events, .data = {.ptr = &by}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void event_loop::ignore(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

}  // namespace netlab::calc
