// SPDX-License-Identifier: MIT
#include "lab/io/observation_queue.hpp"

#include <chrono>
#include <new>
#include <utility>

namespace netlab::lab {

wall_time wall_now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

bool observation_queue::push(observation seen) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t size = seen.octets.size() + seen.text.size() + seen.mail.header.size();
  const bool is_end = seen.kind == observed::closed;
  if (!is_end && (waiting_.size() >= most_waiting || octets_ + size > most_octets)) {
    ++dropped_;
    return false;
  }
  try {
    waiting_.push_back(std::move(seen));
  } catch (const std::bad_alloc&) {
    ++dropped_;
    return false;
  }
  octets_ += size;
  return true;
}

bool observation_queue::may_report(const std::string& address) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    const time_point now = clock::now();
    // At the limit, all addresses are forgotten, and each gets a new burst; the queue's own limits still hold.
    if (rates_.size() >= most_addresses && !rates_.contains(address)) rates_.clear();
    if (rates_.try_emplace(address, per_second, burst, now).first->second.take(now)) return true;
  } catch (const std::bad_alloc&) {}
  ++dropped_;
  return false;
}

observation_queue::taken observation_queue::take() {
  const std::lock_guard lock(mutex_);
  octets_ = 0;
  return {.all = std::exchange(waiting_, {}), .dropped = std::exchange(dropped_, 0)};
}

}  // namespace netlab::lab
