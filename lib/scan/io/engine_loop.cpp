// SPDX-License-Identifier: MIT
#include "scan/io/engine_loop.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace netlab::scan {
namespace {

constexpr unsigned key_bits = 56;
constexpr std::uint64_t key_mask = (std::uint64_t{1} << key_bits) - 1;
constexpr unsigned signals_engine = 255;
constexpr duration longest_wait = std::chrono::hours(1);
constexpr duration interval = std::chrono::milliseconds(200);
// Limits the work that is repeated after a crash, ...
constexpr duration checkpoint_interval = std::chrono::seconds(1);
// ... unless the disk is so slow that more than one part of this many of the time would be spent on checkpoints.
constexpr int checkpoint_share = 10;

bool control(int epoll, int operation, int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{engine} << key_bits | (key & key_mask);
  return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

/// epoll_wait(2) with nanoseconds: epoll_pwait2(2), available since Linux 5.11 and refused by some sandboxes.
int wait_for_events(int epoll, std::span<epoll_event> events, const timespec& timeout, bool& has_pwait2) {
  const int size = static_cast<int>(events.size());
  if (has_pwait2) {
    const int count = ::epoll_pwait2(epoll, events.data(), size, &timeout, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_pwait2 = false;
  }
  pollfd ready{.fd = epoll, .events = POLLIN, .revents = 0};
  if (::ppoll(&ready, 1, &timeout, nullptr) < 0) return -1;
  return ::epoll_wait(epoll, events.data(), size, 0);
}

}  // namespace

result<poller> poller::make() {
  poller made;
  made.epoll_ = net::unique_fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!made.epoll_) return fail(last_system_error(), "open an epoll descriptor");
  return made;
}

bool poller::add(int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept {
  return control(epoll_.get(), EPOLL_CTL_ADD, fd, events, engine, key);
}

bool poller::change(int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept {
  return control(epoll_.get(), EPOLL_CTL_MOD, fd, events, engine, key);
}

result<std::span<const poller::event>> poller::wait(time_point until, bool& is_all) {
  std::array<epoll_event, 256> events;  // NOLINT: filled by the kernel
  const duration wait = std::clamp<duration>(until - clock::now(), duration(0), longest_wait);
  const timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
  const int count = wait_for_events(epoll_.get(), events, timeout, has_pwait2_);
  if (count < 0 && errno != EINTR) return fail(last_system_error(), "wait for answers");
  events_.clear();
  for (int at = 0; at < count; ++at) {
    const epoll_event& each = events[static_cast<std::size_t>(at)];
    events_.push_back({static_cast<unsigned>(each.data.u64 >> key_bits), each.data.u64 & key_mask, each.events});
  }
  is_all = count >= 0 && static_cast<std::size_t>(count) < events.size();
  return std::span<const event>(events_);
}

result<run_outcome> run(poller& on, std::span<engine* const> engines, const held_signals& signals,
                        const run_options& options) {
  if (signals.fd() < 0) return fail(std::error_code(signals.error(), std::system_category()), "wait for signals");
  if (!on.add(signals.fd(), EPOLLIN, signals_engine, 0)) return fail(last_system_error(), "wait for signals");
  run_outcome outcome;
  time_point next_interval = clock::now() + interval;
  time_point next_checkpoint = clock::now() + checkpoint_interval;
  bool up_to_date = true;
  const auto progress = [&] {
    engine_progress all;
    for (const engine* const each : engines) all += each->progress();
    return all;
  };
  const auto save = [&] {
    scan_checkpoint reached;
    for (const engine* const each : engines) each->save(reached);
    const time_point began = clock::now();
    options.on_checkpoint(reached);
    const time_point ended = clock::now();
    next_checkpoint = ended + std::max(checkpoint_interval - (ended - began), checkpoint_share * (ended - began));
  };
  for (;;) {
    time_point now = clock::now();
    time_point wake = std::min(options.deadline, next_interval);
    bool all_done = true;
    for (engine* const each : engines) {
      if (each->done()) continue;
      wake = std::min(wake, each->turn(now, up_to_date));
      if (!each->done()) all_done = false;
    }
    for (engine* const each : engines)
      if (auto trouble = each->trouble()) return unexpected(*trouble);
    if (all_done) break;
    now = clock::now();
    if (now >= options.deadline) {
      outcome.out_of_time = true;
      break;
    }
    if (now >= next_interval) {
      next_interval = now + interval;
      if (options.on_interval) options.on_interval(progress(), now);
      if (options.should_stop && options.should_stop()) {
        outcome.stopped = true;
        break;
      }
      if (options.on_checkpoint && now >= next_checkpoint) save();
    }
    const auto events = on.wait(wake, up_to_date);
    if (!events) return unexpected(events.error());
    now = clock::now();
    for (const poller::event& each : *events) {
      if (each.engine != signals_engine) {
        engines[each.engine]->handle(each.key, each.events, now);
        continue;
      }
      for (int signal = signals.take(); signal != 0; signal = signals.take()) {
        if (signal != SIGUSR1) {
          outcome.signal = signal;
        } else if (options.on_status) {
          options.on_status(progress());
        }
      }
    }
    if (outcome.signal != 0) break;
  }
  if (options.on_checkpoint && (outcome.signal != 0 || outcome.out_of_time || outcome.stopped)) save();
  const time_point now = clock::now();
  for (engine* const each : engines)
    if (!each->done()) each->abandon(now);
  outcome.progress = progress();
  return outcome;
}

}  // namespace netlab::scan
