// SPDX-License-Identifier: MIT
#include "scan/sweep.hpp"

#include <cassert>
#include <utility>

namespace netlab::scan {
namespace {

constexpr std::size_t first_window = 256;     // a burst that any home router's queue takes
constexpr std::uint64_t max_own_rtts = 4096;  // targets with a round trip time of their own: 64 octets each
constexpr std::size_t max_doubtful = 1 << 20;  // 16 MB; beyond it the earliest are believed to be silent
constexpr unsigned max_attempts = 30;          // of a silent port, whatever is wrong with the path

// Nobody has answered yet, so the round trip is not known: most answer by then, and who is slower gets more time at
// the next attempt.
constexpr duration first_patience = std::chrono::milliseconds(250);
// Less would call a machine silent that had something else to do for a moment.
constexpr duration least_patience = std::chrono::milliseconds(100);
// From the third attempt on it is lost packets that are looked for, no busy machine.
constexpr duration next_patience = std::chrono::milliseconds(25);
// A queue that answers wait in this long will soon be full.
constexpr duration long_queue = std::chrono::milliseconds(20);
// A target that answered before and was not heard for so long, controls and all, is gone.
constexpr duration gone_after = std::chrono::seconds(5);
constexpr unsigned max_backoff = 10;  // doublings
// So many probes have one control among them.
constexpr unsigned probes_a_control = 16;
// What a busy machine adds to a round trip.
constexpr duration least_transit = std::chrono::milliseconds(2);
// What else holds descriptors, ports or memory needs a moment to let go.
constexpr duration short_of_resources = std::chrono::milliseconds(5);

bool has_short_queue(const rtt_estimator& path) { return path.smoothed() < 2 * path.shortest() + long_queue; }

}  // namespace

sweep::sweep(const sweep_parameters& how, time_point now)
    : how_(how),
      order_(how.targets * how.ports, how.seed),
      size_((order_.size() + how.shards - 1 - how.shard) / how.shards),
      window_(first_window, how.parallel),
      limit_(how.rate, now),
      crawl_(now),
      paths_(how.targets <= max_own_rtts ? how.targets : 1,
             path{.rtt = rtt_estimator(first_patience, least_patience, how.timeout)}),
      flights_(how.parallel),
      place_(how.shard),
      first_phase_left_(size_) {
  free_.reserve(how.parallel);
  for (std::size_t slot = how.parallel; slot-- > 0;) free_.push_back(static_cast<std::uint32_t>(slot));
}

sweep::path& sweep::path_of(std::uint64_t item) { return paths_.size() == 1 ? paths_[0] : paths_[target(item)]; }
const sweep::path& sweep::path_of(std::uint64_t item) const {
  return paths_.size() == 1 ? paths_[0] : paths_[target(item)];
}

duration sweep::patience(std::uint64_t item, std::size_t wait) const {
  const rtt_estimator& rtt = path_of(item).rtt;
  // The last attempt at a target that never answered has all the time there is.
  if (!rtt.has_sample() && (wait > 0 || how_.retries == 0)) return how_.timeout;
  const duration wanted =
      wait == 2 ? std::max(rtt.transit(), next_patience) : std::max(rtt.timeout(), rtt.transit() * (wait == 0 ? 1 : 2));
  return std::min(how_.timeout, wanted * (1U << path_of(item).backoff));
}

bool sweep::is_silent(const silence& one) const {
  // What was asked while the sweep went on may have met the crowd that it was itself.
  const unsigned least = loss_.was_seen() ? std::max(2U, how_.retries + 1) : how_.retries + 1;
  return one.attempts >= max_attempts || one.fair >= loss_.tries(least, order_.size());
}

time_point sweep::leaves_path(const flight& one) const {
  return one.sent + std::max(path_of(one.item).rtt.transit(), least_transit);
}

void sweep::look_at_path(time_point now) {
  for (list& waiting : lists_)
    while (waiting.oldest_on_path != none && leaves_path(flights_[waiting.oldest_on_path]) <= now) {
      flight& gone = flights_[waiting.oldest_on_path];
      gone.on_path = false;
      --on_path_;
      waiting.oldest_on_path = gone.behind;
    }
}

bool sweep::has_work() const noexcept {
  return !again_.empty() || place_ < order_.size() || !to_accompany_.empty() ||
         (is_swept() && !doubtful_.empty() && !is_silent(doubtful_.front()));
}

void sweep::accompany(std::uint64_t item, time_point now) {
  path& its = path_of(item);
  // Where all targets share a path, one of them says nothing of the others.
  if (how_.retries_fixed || its.control == no_item || paths_.size() != how_.targets) return;
  if (now - its.last_heard > gone_after) return;
  if (its.unaccompanied++ == 0) to_accompany_.push_back(item);
}

sweep::silence sweep::choose(bool& is_control) {
  const auto take = [](std::deque<silence>& from) {
    const silence first = from.front();
    from.pop_front();
    return first;
  };
  const bool is_control_due =
      !to_accompany_.empty() && path_of(to_accompany_.front()).unaccompanied >= probes_a_control;
  is_control = false;
  if (!is_control_due) {
    if (!again_.empty()) return take(again_);
    if (place_ < order_.size()) return {order_(std::exchange(place_, place_ + how_.shards)), 0, 0};
    if (to_accompany_.empty()) return take(doubtful_);
    if (is_swept() && !doubtful_.empty() && !is_silent(doubtful_.front())) return take(doubtful_);
  }
  is_control = true;
  path& its = path_of(to_accompany_.front());
  to_accompany_.pop_front();
  its.unaccompanied = 0;
  return {its.control, 0, 0};
}

std::optional<sweep::probe> sweep::next(time_point now) {
  look_at_path(now);
  if (on_path_ >= window_.size() || free_.empty() || now < hold_until_ || !has_work()) return std::nullopt;
  if (is_swept() && now < crawl_.next()) return std::nullopt;
  if (!limit_.take(now)) return std::nullopt;
  if (is_swept()) crawl_.take(now);
  bool is_control = false;
  const silence what = choose(is_control);
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  flight& now_under_way = flights_[slot];
  list& waiting = lists_[wait_of(what.attempts + 1U)];
  const auto attempt = static_cast<std::uint16_t>(what.attempts + 1);
  now_under_way = {what.item, attempt, what.fair, true, is_control, now, waiting.last, none};
  (waiting.last == none ? waiting.first : flights_[waiting.last].behind) = slot;
  waiting.last = slot;
  if (waiting.oldest_on_path == none) waiting.oldest_on_path = slot;
  ++under_way_;
  ++on_path_;
  if (!is_control && attempt > how_.retries) accompany(what.item, now);
  return probe{what.item, attempt, slot, is_control};
}

void sweep::unlink(std::uint32_t slot) {
  flight& one = flights_[slot];
  assert(one.attempt != 0);
  list& waiting = lists_[wait_of(one.attempt)];
  (one.before == none ? waiting.first : flights_[one.before].behind) = one.behind;
  (one.behind == none ? waiting.last : flights_[one.behind].before) = one.before;
  if (waiting.oldest_on_path == slot) waiting.oldest_on_path = one.behind;
  if (one.on_path) --on_path_;
  one.attempt = 0;
  free_.push_back(slot);
  --under_way_;
}

void sweep::put_back(std::uint32_t slot, time_point now) {
  repeat(slot);
  window_.shrink_to(under_way_);
  hold_until_ = now + short_of_resources;
}

void sweep::repeat(std::uint32_t slot) {
  const flight& one = flights_[slot];
  if (one.is_control)
    to_accompany_.push_back(one.item);
  else
    again_.push_front({one.item, static_cast<std::uint16_t>(one.attempt - 1), one.fair});
  unlink(slot);
}

std::optional<duration> sweep::answered(std::uint32_t slot, time_point now, answer what) {
  const flight one = flights_[slot];
  unlink(slot);
  if (!one.is_control) {
    ++done_;
    if (one.attempt <= how_.retries + 1) --first_phase_left_;
  }
  if (what == answer::local) {
    if (window_.ended(true)) last_shrunk_ = now;
    return std::nullopt;
  }
  const duration rtt = now - one.sent;
  path& its = path_of(one.item);
  its.rtt.add(rtt);
  its.last_heard = now;
  its.backoff = 0;
  if (what != answer::from_path) its.last_heard_of = std::max(its.last_heard_of, one.sent);
  if (what == answer::refusal) its.control = one.item;
  loss_.answered_at(one.attempt);
  crawl_.answered(one.is_control, now);
  // What was lost before the window shrank says nothing of its size now.
  if (one.attempt > 1 && one.sent - its.rtt.timeout() > last_shrunk_)
    window_.lost(one.attempt - 1);
  else
    window_.answered();
  // Many that are overdue are lost, or filtered; either way there is no reason to hurry more.
  const bool few_overdue = under_way_ - on_path_ <= window_.size();
  if (window_.ended(few_overdue && has_short_queue(its.rtt))) last_shrunk_ = now;
  return rtt;
}

std::optional<sweep::expired> sweep::take_expired(time_point now) {
  for (std::size_t wait = 0; wait < waits; ++wait) {
    // Targets differ in patience, and only the oldest probe is looked at: it holds the others up by how_.timeout at
    // most.
    const std::uint32_t slot = lists_[wait].first;
    if (slot == none || flights_[slot].sent + patience(flights_[slot].item, wait) > now) continue;
    const flight one = flights_[slot];
    unlink(slot);
    const probe what{one.item, one.attempt, slot, one.is_control};
    path& its = path_of(one.item);
    if (one.is_control) {
      if (its.last_heard_of >= one.sent) {  // it was lost for certain
        loss_.lost();
        crawl_.lost(now);
      } else if (its.last_heard < one.sent) {
        its.backoff = std::min(its.backoff + 1, max_backoff);
      }
      return expired{what, verdict::again};
    }
    if (window_.ended_silent()) last_shrunk_ = now;
    const bool is_meant = its.control == no_item || its.last_heard_of >= one.sent || now - its.last_heard > gone_after;
    const auto fair = static_cast<std::uint16_t>(one.fair + (one.sent > last_shrunk_ && is_meant ? 1 : 0));
    if (one.attempt <= how_.retries) {
      again_.push_back({one.item, one.attempt, fair});
      return expired{what, verdict::again};
    }
    if (one.attempt == how_.retries + 1) --first_phase_left_;
    if (how_.retries_fixed) {
      ++done_;
      return expired{what, verdict::silent};
    }
    // How much gets lost is not known well enough before the end of the sweep.
    const bool is_calm = is_swept() || !loss_.was_seen();
    doubtful_.push_back({one.item, one.attempt, is_calm ? fair : std::uint16_t{0}});
    return expired{what, verdict::again};
  }
  if (!doubtful_.empty() && ((is_swept() && is_silent(doubtful_.front())) || doubtful_.size() > max_doubtful)) {
    const silence one = doubtful_.front();
    doubtful_.pop_front();
    ++done_;
    return expired{{one.item, one.attempts, none}, verdict::silent};
  }
  return std::nullopt;
}

time_point sweep::wake(time_point now) const {
  time_point at = never;
  if (!free_.empty() && has_work()) {
    time_point room = on_path_ < window_.size() ? now : never;
    for (const list& waiting : lists_)
      if (waiting.oldest_on_path != none) room = std::min(room, leaves_path(flights_[waiting.oldest_on_path]));
    at = std::max({room, hold_until_, limit_.next()});
    if (is_swept()) at = std::max(at, crawl_.next());
  }
  if (is_swept() && !doubtful_.empty() && is_silent(doubtful_.front())) at = now;
  for (std::size_t wait = 0; wait < waits; ++wait)
    if (const std::uint32_t slot = lists_[wait].first; slot != none)
      at = std::min(at, flights_[slot].sent + patience(flights_[slot].item, wait));
  return at;
}

std::optional<std::uint64_t> sweep::take_unfinished() {
  for (list& waiting : lists_)
    while (waiting.first != none) {
      const flight one = flights_[waiting.first];
      unlink(waiting.first);
      if (!one.is_control) return one.item;
    }
  for (std::deque<silence>* from : {&again_, &doubtful_})
    if (!from->empty()) {
      const std::uint64_t item = from->front().item;
      from->pop_front();
      return item;
    }
  return std::nullopt;
}

}  // namespace netlab::scan
