// SPDX-License-Identifier: MIT
#include "scan/stateless_sweep.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace netlab::scan {
namespace {

constexpr duration part_time = std::chrono::milliseconds(200);
// With a long timeout parts are longer, so that there are never more than about a hundred of them.
constexpr int parts_a_timeout = 16;
constexpr std::uint32_t mark_distance_us = 50;
constexpr unsigned most_extra = 32;
constexpr unsigned max_doublings = 6;

/// Saturates after 71 minutes.
std::uint32_t microseconds(duration span) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(span).count(), 0, 0xffffffff));
}

std::uint64_t bit_of(std::uint64_t offset) { return std::uint64_t{1} << (offset % 64); }

bool is_set(const std::vector<std::uint64_t>& bits, std::uint64_t offset) {
  return (bits[offset / 64] & bit_of(offset)) != 0;
}

/// The first offset from `from` whose bit is clear; `size` if there is none.
std::uint32_t next_clear(const std::vector<std::uint64_t>& bits, std::uint32_t from, std::uint32_t size) {
  while (from < size) {
    const std::uint64_t clear = ~bits[from / 64] >> (from % 64);
    if (clear != 0) return std::min(size, from + static_cast<std::uint32_t>(std::countr_zero(clear)));
    from = (from / 64 + 1) * 64;
  }
  return size;
}

}  // namespace

stateless_sweep::stateless_sweep(options parameters, time_point now)
    : parameters_(std::move(parameters)),
      part_time_(std::max<duration>(part_time, parameters_.timeout / parts_a_timeout)),
      retry_wait_(parameters_.timeout),
      next_(parameters_.start.next) {
  std::uint64_t open = 0;
  for (stateless_checkpoint::part& each : parameters_.start.parts) {
    part& made = parts_.emplace_back();
    made.first = each.first;
    made.size = each.size;
    made.finished = std::move(each.finished);
    for (const std::uint64_t word : made.finished)
      made.finished_count += static_cast<std::uint32_t>(std::popcount(word));
    made.attempt = each.attempts;
    made.cursor = made.expired = each.expired;
    made.now = state::sending;
    made.began = now;
    made.last_sent = now - parameters_.timeout;
    ++sending_;
    held_ += made.size;
    open += made.size - made.finished_count;
  }
  parameters_.start.parts.clear();
  waiting_ = open;
  finished_ = next_ - open;
}

const stateless_sweep::part* stateless_sweep::find(std::uint64_t place) const noexcept {
  const auto after = std::ranges::upper_bound(parts_, place, {}, &part::first);
  if (after == parts_.begin()) return nullptr;
  const part& found = *std::prev(after);
  return place - found.first < found.size ? &found : nullptr;
}

stateless_sweep::part* stateless_sweep::find(std::uint64_t place) noexcept {
  return const_cast<part*>(std::as_const(*this).find(place));  // NOLINT: the object is not const
}

bool stateless_sweep::may_grow() const noexcept { return next_ < parameters_.size && held_ < max_waiting; }

void stateless_sweep::close_growing() {
  if (parts_.empty() || parts_.back().now != state::growing) return;
  parts_.back().now = state::waiting;
  parts_.back().cursor = parts_.back().size;
  next_due_ = time_point::min();
}

std::optional<stateless_sweep::probe> stateless_sweep::next(time_point now) {
  if (sending_ > 0) {
    for (part& each : parts_) {
      if (each.now != state::sending) continue;
      each.cursor = next_clear(each.finished, each.cursor, each.size);
      if (each.cursor < each.size) {
        const std::uint64_t place = each.first + each.cursor++;
        return probe{place, each.attempt};
      }
      each.now = state::waiting;
      next_due_ = time_point::min();
      if (--sending_ == 0) break;
    }
  }
  if (!parts_.empty() && parts_.back().now == state::growing &&
      (parts_.back().size == max_part || now - parts_.back().began >= part_time_))
    close_growing();
  if (!may_grow()) {
    close_growing();
    return std::nullopt;
  }
  if (parts_.empty() || parts_.back().now != state::growing) {
    part& made = parts_.emplace_back();
    made.first = next_;
    made.began = made.last_sent = now;
  }
  part& last = parts_.back();
  if (last.size % 64 == 0) last.finished.push_back(0);
  if (!last.failed.empty() && last.failed.size() < last.finished.size()) last.failed.push_back(0);
  ++last.size;
  ++held_;
  ++waiting_;
  return probe{next_++, 1};
}

void stateless_sweep::remember(part& current, const probe& which, time_point now) {
  current.last_sent = std::max(current.last_sent, now);
  if (current.marks.size() < which.attempt) current.marks.resize(which.attempt);
  std::vector<mark>& marks = current.marks[which.attempt - 1];
  const std::uint32_t since = microseconds(now - current.began);
  const auto offset = static_cast<std::uint32_t>(which.place - current.first);
  if (!marks.empty() && (offset <= marks.back().offset || since < marks.back().microseconds + mark_distance_us)) return;
  marks.push_back({offset, since});
}

void stateless_sweep::set_failed(part& current, std::uint64_t place, bool value) {
  if (current.failed.empty()) {
    if (!value) return;
    current.failed.resize(current.finished.size());
  }
  const std::uint64_t offset = place - current.first;
  if (value)
    current.failed[offset / 64] |= bit_of(offset);
  else
    current.failed[offset / 64] &= ~bit_of(offset);
}

void stateless_sweep::sent(const probe& which, time_point now) {
  part* const current = find(which.place);
  if (current == nullptr) return;
  remember(*current, which, now);
  set_failed(*current, which.place, false);
}

void stateless_sweep::postponed(const probe& which) {
  if (part* const current = find(which.place)) ++current->postponed;
}

void stateless_sweep::forget_postponed(const probe& which) {
  part* const current = find(which.place);
  if (current == nullptr || current->postponed == 0) return;
  if (--current->postponed == 0) next_due_ = time_point::min();
}

void stateless_sweep::sent_postponed(const probe& which, time_point now) {
  part* const current = find(which.place);
  if (current == nullptr) return;
  current->last_sent = std::max(current->last_sent, now);
  current->late.insert_or_assign(static_cast<std::uint32_t>(which.place - current->first),
                                 single_mark{which.attempt, microseconds(now - current->began)});
  set_failed(*current, which.place, false);
  forget_postponed(which);
}

void stateless_sweep::not_sent(const probe& which, int system_error, time_point now) {
  part* const current = find(which.place);
  if (current == nullptr) return;
  current->error = system_error;
  current->last_sent = std::max(current->last_sent, now);
  set_failed(*current, which.place, true);
}

bool stateless_sweep::is_waiting(std::uint64_t place) const noexcept {
  const part* const current = find(place);
  return current != nullptr && !is_set(current->finished, place - current->first);
}

bool stateless_sweep::finish(std::uint64_t place) {
  part* const current = find(place);
  if (current == nullptr) return false;
  const std::uint64_t offset = place - current->first;
  if (is_set(current->finished, offset)) return false;
  current->finished[offset / 64] |= bit_of(offset);
  ++current->finished_count;
  ++finished_;
  --waiting_;
  if (current->finished_count == current->size && current->now != state::growing) next_due_ = time_point::min();
  return true;
}

time_point stateless_sweep::due(const part& current) const {
  if (current.finished_count == current.size || current.now == state::ending) return time_point::min();
  if (current.postponed > 0) return never;  // the neighbour table's own timeout comes first
  if (current.attempt >= parameters_.attempts + current.extra) return current.last_sent + parameters_.timeout;
  const unsigned doublings = std::min(current.attempt == 0 ? 0 : current.attempt - 1, max_doublings);
  return current.last_sent + std::min<duration>(parameters_.timeout, retry_wait_ * (1 << doublings));
}

void stateless_sweep::restart_timeouts(time_point now) {
  resumed_ = now;
  next_due_ = time_point::min();
  for (part& each : parts_) {
    if (each.now == state::ending || each.stalls == stall_detector::max_restarts) continue;
    ++each.stalls;
    each.last_sent = now;
  }
}

void stateless_sweep::tick(time_point now) {
  if (stall_.has_stalled(now)) restart_timeouts(now);
  if (next_due_ > now) return;
  if (!parts_.empty() && parts_.back().now == state::growing && now - parts_.back().began >= part_time_)
    close_growing();
  next_due_ = never;
  for (auto at = parts_.begin(); at != parts_.end();) {
    if (at->now == state::growing) {
      next_due_ = std::min(next_due_, at->began + part_time_);
      ++at;
      continue;
    }
    if (at->now == state::sending && at->finished_count < at->size) {
      ++at;
      continue;
    }
    if (at->finished_count == at->size) {
      if (at->now == state::sending) --sending_;
      held_ -= at->size;
      at = parts_.erase(at);
      continue;
    }
    if (const time_point when = due(*at); when > now) {
      next_due_ = std::min(next_due_, when);
    } else if (at->attempt < std::min(parameters_.attempts + at->extra, max_attempts)) {
      ++at->attempt;
      at->cursor = at->expired = 0;
      at->now = state::sending;
      ++sending_;
    } else {
      at->now = state::ending;
      at->cursor = 0;
    }
    ++at;
  }
}

std::optional<stateless_sweep::silence> stateless_sweep::take_silent() {
  for (auto at = parts_.begin(); at != parts_.end(); ++at) {
    if (at->now != state::ending) continue;
    at->cursor = next_clear(at->finished, at->cursor, at->size);
    if (at->cursor == at->size) {
      held_ -= at->size;
      parts_.erase(at);
      return take_silent();
    }
    const std::uint32_t offset = at->cursor;
    const bool was_not_sent = !at->failed.empty() && is_set(at->failed, offset);
    const silence found{at->first + offset, was_not_sent ? at->error : 0};
    at->finished[offset / 64] |= bit_of(offset);
    ++at->finished_count;
    ++finished_;
    --waiting_;
    return found;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> stateless_sweep::take_unfinished() {
  while (!parts_.empty()) {
    part& front = parts_.front();
    const std::uint32_t offset = next_clear(front.finished, 0, front.size);
    if (offset < front.size) {
      const std::uint64_t place = front.first + offset;
      static_cast<void>(finish(place));
      return place;
    }
    held_ -= front.size;
    parts_.pop_front();
  }
  next_ = parameters_.size;
  return std::nullopt;
}

time_point stateless_sweep::wake() const {
  if (sending_ > 0 || may_grow()) return time_point::min();
  return parts_.empty() ? next_due_ : std::min(next_due_, stall_.next_call());
}

bool stateless_sweep::done() const noexcept { return parts_.empty() && next_ == parameters_.size; }

void stateless_sweep::set_retry_wait(duration wait) noexcept {
  wait = std::min(wait, parameters_.timeout);
  if (wait < retry_wait_) next_due_ = time_point::min();
  retry_wait_ = wait;
}

void stateless_sweep::set_attempts(unsigned attempts) noexcept {
  attempts = std::min(attempts, max_attempts);
  if (attempts != parameters_.attempts) next_due_ = time_point::min();
  parameters_.attempts = attempts;
}

void stateless_sweep::repeat_attempts(time_point since) {
  for (part& each : parts_)
    if (each.now != state::ending && each.last_sent >= since && each.extra < most_extra) ++each.extra;
  next_due_ = time_point::min();
}

std::optional<stateless_sweep::sending> stateless_sweep::sending_of(std::uint64_t place, unsigned residue) const {
  const part* const current = find(place);
  if (current == nullptr) return std::nullopt;
  unsigned attempt = current->attempt;
  while (attempt > 0 && attempt % distinct_attempts != residue) --attempt;
  if (attempt == 0) return std::nullopt;
  sending found{time_point::min(), attempt, current->began};
  if (const auto late = current->late.find(static_cast<std::uint32_t>(place - current->first));
      late != current->late.end() && late->second.attempt == attempt) {
    found.at = current->began + std::chrono::microseconds(late->second.microseconds);
  } else if (current->marks.size() >= attempt) {
    const std::vector<mark>& marks = current->marks[attempt - 1];
    const auto after = std::ranges::upper_bound(marks, place - current->first, {}, &mark::offset);
    if (after != marks.begin()) found.at = current->began + std::chrono::microseconds(std::prev(after)->microseconds);
  }
  if (found.at < resumed_) found.at = time_point::min();
  return found;
}

std::uint32_t stateless_sweep::expired(const part& current, time_point now) const {
  const time_point latest = now - parameters_.timeout;
  if (current.postponed > 0) return current.expired;  // it is not known which probes were postponed
  if (latest < resumed_) return current.expired;  // their timeout began again
  std::uint32_t count = current.expired;
  if (current.now != state::growing && current.cursor >= current.size && current.last_sent <= latest) {
    count = current.size;
  } else if (current.marks.size() >= current.attempt && current.began <= latest) {
    const std::vector<mark>& marks = current.marks[current.attempt - 1];
    const auto later = std::ranges::upper_bound(marks, microseconds(latest - current.began), {}, &mark::microseconds);
    if (later != marks.begin()) count = std::max(count, std::prev(later)->offset + 1);
  }
  for (const auto& [offset, sent] : current.late)
    if (sent.attempt == current.attempt && current.began + std::chrono::microseconds(sent.microseconds) > latest)
      count = std::min(count, offset);
  // Whether a probe could be sent is not kept: those that could not be sent are tried again.
  for (std::uint32_t at = 0; !current.failed.empty() && at < count; ++at)
    if (is_set(current.failed, at) && !is_set(current.finished, at)) return at;
  return count;
}

stateless_checkpoint stateless_sweep::checkpoint(time_point now) const {
  stateless_checkpoint made;
  made.next = next_;
  for (const part& each : parts_)
    if (each.finished_count < each.size)
      made.parts.push_back({each.first, each.size, each.attempt, expired(each, now), each.finished});
  return made;
}

}  // namespace netlab::scan
