// SPDX-License-Identifier: MIT
#include "trace/io/report_thread.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/signals_blocked.hpp"
#include "trace/io/wall_clock.hpp"

namespace netlab::trace {
namespace {

// A packet may still be in a block that the kernel has not released.
constexpr auto capture_delay = 2 * capture::longest_delay;

}  // namespace

report_thread::report_thread(timeline& into, std::optional<capture> packets, std::function<void()> flush)
    : into_(into),
      capture_(std::move(packets)),
      flush_(std::move(flush)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const net::signals_blocked blocked;  // SIGALRM shall interrupt the tracer's wait
  thread_ = std::thread([this] { work(); });
}

report_thread::~report_thread() { stop(); }

// The tracer's side.

call_id report_thread::enter(call details, std::optional<socket_facts> facts) {
  push(entered{std::move(details), std::move(facts)});
  return ++last_call_;  // the correlator counts likewise
}

void report_thread::leave(call details, std::optional<socket_facts> facts) {
  push(left{std::move(details), std::move(facts)});
}

void report_thread::learn(const socket_facts& facts, process_id user, wall_time now) {
  push(learned{facts, user, now});
}

void report_thread::run(std::function<void(timeline&)> task) { push(std::move(task)); }

void report_thread::push(event added) {
  std::unique_lock lock(queue_mutex_);
  if (queue_.size() >= max_queue) {
    wake();
    queue_has_room_.wait(lock, [this] { return queue_.size() < max_queue || has_ended_; });
  }
  queue_.push_back(std::move(added));
  if (queue_.size() == max_queue / 4) wake();
}

void report_thread::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto ignored = ::write(wake_.get(), &one, sizeof one);
}

void report_thread::pause(const std::function<void(timeline&)>& use) {
  wait_for_last_packets();
  const std::lock_guard lock(timeline_mutex_);
  read_packets();
  advance(read_wall_clock());
  use(into_);
}

void report_thread::check() const {
  if (has_ended_ && error_) std::rethrow_exception(error_);
}

void report_thread::stop() noexcept {
  if (!thread_.joinable()) return;
  should_end_ = true;
  wake();
  thread_.join();
}

void report_thread::finish() {
  stop();
  check();
  wait_for_last_packets();
  read_packets();
  take_events();
  into_.finish(capture_ ? capture_->dropped() : 0, capture_.has_value());
  flush_();
}

void report_thread::wait_for_last_packets() const {
  if (capture_) ::usleep(static_cast<useconds_t>(std::chrono::microseconds(capture_delay).count()));
}

void report_thread::work() noexcept {
  try {
    bool has_room = true;  // for packets
    while (!should_end_) {
      wait_for_work(has_room);
      const wall_time now = read_wall_clock();
      // Read after the clock: an event that is not queued yet is later than `now`, or than this.
      const wall_time held_since(held_since_.load());
      has_room = read_packets();
      const std::unique_lock lock(timeline_mutex_, std::try_to_lock);  // else: paused
      if (lock) advance(std::min<wall_time>(now - capture_delay, held_since));
    }
  } catch (...) {
    error_ = std::current_exception();
  }
  {
    const std::lock_guard lock(queue_mutex_);
    has_ended_ = true;
  }
  queue_has_room_.notify_all();
}

void report_thread::wait_for_work(bool for_packets) {
  std::array<pollfd, 2> wanted{{{wake_.get(), POLLIN, 0}, {-1, POLLIN, 0}}};
  if (capture_ && for_packets) wanted[1].fd = capture_->descriptor();
  ::poll(wanted.data(), wanted.size(), static_cast<int>(std::chrono::milliseconds(pass_interval).count()));
  std::uint64_t count = 0;
  [[maybe_unused]] const auto ignored = ::read(wake_.get(), &count, sizeof count);
}

/// Empties the ring. False if it did not, for there is no room for its packets until pause() ends.
bool report_thread::read_packets() {
  const std::lock_guard lock(packets_mutex_);
  if (!capture_) return true;
  if (kept_octets_ >= max_kept) return false;
  capture_->drain([this](packet each) {
    kept_octets_ += sizeof each + each.octets.size();
    kept_.push_back(std::move(each));
  });
  return true;
}

/// Passes everything that was queued to the correlator.
void report_thread::take_events() {
  {
    const std::lock_guard lock(queue_mutex_);
    taken_.swap(queue_);
  }
  queue_has_room_.notify_one();
  correlator& links = into_.links();
  for (event& each : taken_) {
    if (auto* begun = std::get_if<entered>(&each))
      links.enter(std::move(begun->details), std::move(begun->facts));
    else if (auto* done = std::get_if<left>(&each))
      links.leave(std::move(done->details), std::move(done->facts));
    else if (auto* known = std::get_if<learned>(&each))
      links.learn(known->facts, known->user, known->now);
    else
      std::get<request>(each)(into_);
  }
  taken_.clear();
  const std::lock_guard lock(packets_mutex_);
  for (packet& each : kept_) links.feed(std::move(each));
  kept_.clear();
  kept_octets_ = 0;
}

void report_thread::advance(wall_time horizon) {
  take_events();
  into_.advance(horizon);
  flush_();
}

}  // namespace netlab::trace
