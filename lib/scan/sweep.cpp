// SPDX-License-Identifier: MIT
#include "scan/sweep.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace netlab::scan {
namespace {

constexpr std::size_t first_window = 256;     // a burst that the queue of any home router can hold
constexpr std::size_t max_doubtful = 1 << 20;  // 64 MB; above it the oldest are concluded early
constexpr std::size_t max_parked = 1 << 16;
// If more than `most_tries` fair attempts were needed to prove silence, most packets get lost: then `tries_in_vain`
// are made, and ports that stay silent remain unknown.
constexpr unsigned most_tries = 30;
constexpr unsigned tries_in_vain = 12;

// The timeout before the first answer: most hosts answer within it, and slower ones get more time at the next
// attempt.
constexpr duration first_timeout = std::chrono::milliseconds(250);
// A shorter timeout would ask again a machine that was busy for a moment.
constexpr duration least_timeout = std::chrono::milliseconds(100);
// From the third attempt on, the cause is assumed to be loss and not a busy machine.
constexpr duration retry_timeout = std::chrono::milliseconds(25);
// If answers wait in the queue this long, it will soon be full.
constexpr duration long_queue = std::chrono::milliseconds(20);
// A target that has answered before but not for this long, not even controls, is gone.
constexpr duration gone_after = std::chrono::seconds(5);
constexpr unsigned max_backoff = 10;  // doublings
// One control per this many probes.
constexpr unsigned probes_per_control = 16;
constexpr unsigned probes_per_control_slow = 4;  // few probes per second: each control tells more
// Delay that a busy machine adds to a round trip.
constexpr duration least_transit = std::chrono::milliseconds(2);
// Time for other programs to release descriptors, ports or memory.
constexpr duration short_of_resources = std::chrono::milliseconds(5);
// How long to wait for an interface that is down: an unplugged cable, an access point, a DHCP lease.
constexpr duration link_timeout = std::chrono::seconds(10);
constexpr duration link_retry = std::chrono::milliseconds(250);

bool has_short_queue(const rtt_estimator& path) { return path.smoothed() < 2 * path.shortest() + long_queue; }

}  // namespace

sweep::sweep(const sweep_parameters& parameters, time_point now)
    : parameters_(parameters),
      plan_(parameters.kernel, parameters.timeout,
            parameters.retries_fixed ? std::optional(parameters.retries) : std::nullopt),
      order_(parameters.targets * parameters.ports, parameters.seed),
      size_((order_.size() + parameters.shards - 1 - parameters.shard) / parameters.shards),
      window_(first_window, parameters.parallel),
      limit_(parameters.rate, now),
      crawl_(now),
      common_(first_timeout, least_timeout, parameters.timeout),
      paths_(parameters.targets, path{.rtt = common_}),
      flights_(parameters.parallel),
      place_(parameters.shard),
      first_phase_left_(size_) {
  free_.reserve(parameters.parallel);
  for (std::size_t slot = parameters.parallel; slot-- > 0;) free_.push_back(static_cast<slot_number>(slot));
  if (parameters_.from) restore(*parameters_.from);
  skip();
}

void sweep::skip() {
  if (parameters_.skipped.empty()) return;
  for (; place_ < order_.size() && std::ranges::binary_search(parameters_.skipped, target(order_(place_)));
       place_ += parameters_.shards) {
    ++done_;
    --first_phase_left_;
  }
}

// Cases: ports that were asked but are not known yet.

sweep::case_number sweep::open(std::uint64_t item) {
  case_number which = 0;
  if (free_cases_.empty()) {
    which = static_cast<case_number>(cases_.size());
    cases_.emplace_back();
  } else {
    which = free_cases_.back();
    free_cases_.pop_back();
    cases_[which] = {};
  }
  cases_[which].item = item;
  return which;
}

// The port is known. If a queue still has the case, drop_done_fronts() frees it.
void sweep::close(case_number which) {
  open_case& port_case = cases_[which];
  count_as_asked(port_case);
  if (which == scout_ && !is_scout_sent_) scout_ = none;
  while (port_case.flights != none) release_later(port_case.flights);
  port_case.is_done = true;
  ++done_;
  if (port_case.is_queued)
    drop_done_fronts();
  else
    free_cases_.push_back(which);
}

void sweep::queue(std::deque<case_number>& where, case_number which, bool in_front) {
  cases_[which].is_queued = true;
  in_front ? where.push_front(which) : where.push_back(which);
}

sweep::case_number sweep::take(std::deque<case_number>& from) {
  const case_number which = from.front();
  from.pop_front();
  cases_[which].is_queued = false;
  drop_done_fronts();
  return which;
}

void sweep::drop_done_fronts() {
  for (std::deque<case_number>* each : {&again_, &doubtful_, &parked_})
    while (!each->empty() && cases_[each->front()].is_done) {
      free_cases_.push_back(each->front());
      each->pop_front();
    }
  while (!settling_.empty() && cases_[settling_.top().which].is_done) {
    free_cases_.push_back(settling_.top().which);
    settling_.pop();
  }
}

void sweep::conclude(case_number which, verdict meaning) {
  conclusions_.push_back({cases_[which].item, meaning, cases_[which].system_error});
  close(which);
}

void sweep::count_as_asked(open_case& port_case) {
  if (!std::exchange(port_case.counts_as_asked, true)) --first_phase_left_;
}

// Probes sent during the sweep may have been lost in the congestion that the sweep itself caused.
unsigned sweep::wanted_tries() const {
  const unsigned least = loss_.was_seen() ? std::max(2U, parameters_.retries + 1) : parameters_.retries + 1;
  return loss_.tries(least, order_.size(), crawl_.is_slow());
}

bool sweep::was_asked_enough(const open_case& port_case) const {
  const unsigned wanted = wanted_tries();
  const unsigned enough = wanted <= most_tries ? wanted : tries_in_vain;
  return port_case.attempts >= most_attempts || port_case.fair + port_case.unproved >= static_cast<int>(enough);
}

bool sweep::silence_counts(std::uint64_t item, time_point sent, time_point now) const {
  const path& way = path_of(item);
  return way.control == path::none || way.last_answered_sent >= sent || now - way.last_answer > gone_after;
}

void sweep::ask_again_later(case_number which) {
  open_case& port_case = cases_[which];
  if (port_case.attempts < least_attempts()) return queue(again_, which);
  count_as_asked(port_case);
  if (parameters_.retries_fixed) {
    port_case.is_queued = true;
    settling_.push({port_case.last_sent + plan_.at(port_case.attempts).kept, which});
    return;
  }
  // Before the end of the sweep the loss rate is not known well enough.
  if (!is_swept() && loss_.was_seen()) port_case.fair = port_case.unproved = 0;
  queue(doubtful_, which);
}

// After a change of pace, or when a rate limit was found, silent ports are treated as not asked before.
void sweep::restart_after_pace_change() {
  if (crawl_.changed() <= pace_changed_) return;
  pace_changed_ = crawl_.changed();
  loss_.begin_anew();
  for (open_case& port_case : cases_) {
    port_case.fair = port_case.unproved = 0;
    port_case.outdated = port_case.attempts;
  }
}

// Flights: connections kept open for an answer.

duration sweep::timeout_of(const flight& in_flight) const {
  const path& way = path_of(in_flight.item);
  const std::size_t wait = wait_of(in_flight.attempt);
  duration wanted = parameters_.timeout;
  // The last attempt at a target that never answered gets the whole timeout.
  if (way.rtt.has_sample() || (wait == 0 && least_attempts() > 1)) {
    wanted = wait == 2 ? std::max(way.rtt.transit(), retry_timeout)
                       : std::max(way.rtt.timeout(), way.rtt.transit() * (wait == 0 ? 1 : 2));
    wanted = std::min(parameters_.timeout, wanted * (1U << way.backoff));
  }
  return counts_syns() ? std::min(wanted, plan_.at(in_flight.attempt).kept) : wanted;
}

time_point sweep::leaves_path(const flight& in_flight) const {
  const rtt_estimator& own = path_of(in_flight.item).rtt;
  return in_flight.sent + std::max((own.has_sample() ? own : common_).transit(), least_transit);
}

void sweep::update_on_path(time_point now) {
  for (list& waiting : lists_)
    while (waiting.oldest_on_path != none && leaves_path(flights_[waiting.oldest_on_path]) <= now) {
      flight& gone = flights_[waiting.oldest_on_path];
      gone.on_path = false;
      --on_path_;
      waiting.oldest_on_path = gone.after;
    }
}

void sweep::link(slot_number slot) {
  flight& in_flight = flights_[slot];
  list& waiting = lists_[wait_of(in_flight.attempt)];
  in_flight.before = waiting.last;
  in_flight.after = none;
  (waiting.last == none ? waiting.first : flights_[waiting.last].after) = slot;
  waiting.last = slot;
  if (waiting.oldest_on_path == none) waiting.oldest_on_path = slot;
  in_flight.at = stage::awaited;
  in_flight.on_path = true;
  ++awaited_;
  ++on_path_;
}

void sweep::unlink(slot_number slot) {
  flight& in_flight = flights_[slot];
  assert(in_flight.at == stage::awaited);
  list& waiting = lists_[wait_of(in_flight.attempt)];
  (in_flight.before == none ? waiting.first : flights_[in_flight.before].after) = in_flight.after;
  (in_flight.after == none ? waiting.last : flights_[in_flight.after].before) = in_flight.before;
  if (waiting.oldest_on_path == slot) waiting.oldest_on_path = in_flight.after;
  if (in_flight.on_path) --on_path_;
  in_flight.on_path = false;
  in_flight.at = stage::late;
  --awaited_;
}

void sweep::take_from_case(slot_number slot) {
  if (is_control(flights_[slot])) return;
  slot_number* each = &cases_[flights_[slot].of].flights;
  while (*each != slot) each = &flights_[*each].sibling;
  *each = flights_[slot].sibling;
}

void sweep::end(slot_number slot) {
  if (flights_[slot].at == stage::awaited) unlink(slot);
  take_from_case(slot);
  flights_[slot].at = stage::free;
  ++flights_[slot].generation;
}

void sweep::release(slot_number slot) {
  end(slot);
  free_.push_back(slot);
  --under_way_;
}

void sweep::release_later(slot_number slot) {
  end(slot);
  released_.push_back(slot);
}

std::optional<std::uint32_t> sweep::take_released() {
  if (released_.empty()) return std::nullopt;
  const slot_number slot = released_.back();
  released_.pop_back();
  free_.push_back(slot);
  --under_way_;
  return slot;
}

bool sweep::has_port() const noexcept {
  return !again_.empty() || (place_ < order_.size() && parked_.size() < max_parked) ||
         (is_swept() && !doubtful_.empty() && !was_asked_enough(cases_[doubtful_.front()]));
}

void sweep::schedule_control(std::uint64_t item, time_point now) {
  const path& known = path_of(item);
  if (parameters_.retries_fixed || known.control == path::none || now - known.last_answer > gone_after) return;
  if (paths_.entry(target(item)).probes_since_control++ == 0) controls_due_.push_back(item);
}

std::optional<std::uint64_t> sweep::take_control() {
  if (is_testing()) return tested_;
  if (controls_due_.empty()) return std::nullopt;
  const unsigned due = crawl_.is_slow() ? probes_per_control_slow : probes_per_control;
  if (has_port() && path_of(controls_due_.front()).probes_since_control < due) return std::nullopt;
  path& way = paths_.entry(target(controls_due_.front()));
  controls_due_.pop_front();
  way.probes_since_control = 0;
  return way.control;
}

sweep::case_number sweep::choose() {
  if (!again_.empty()) return take(again_);
  if (place_ < order_.size() && parked_.size() < max_parked) {
    const std::uint64_t item = order_(place_);
    place_ += parameters_.shards;
    skip();
    return open(item);
  }
  return take(doubtful_);
}

std::optional<sweep::probe> sweep::next(time_point system_now) {
  const time_point now = running_.at(system_now);
  update_on_path(now);
  if (!has_slot() || now < hold_until_ || now < limit_.next()) return std::nullopt;
  if (is_testing() ? now < crawl_.next() : on_path_ >= window_.size() || !has_work()) return std::nullopt;
  if (is_swept() && now < crawl_.next()) return std::nullopt;
  const std::optional<std::uint64_t> control = take_control();
  const case_number which = control ? none : choose();
  const slot_number slot = free_.back();
  free_.pop_back();
  ++under_way_;
  flight& sent = flights_[slot];
  sent.of = which;
  sent.item = control ? *control : cases_[which].item;
  sent.attempt = 1;
  sent.sent = now;
  sent.sibling = none;
  if (!control) {
    open_case& port_case = cases_[which];
    sent.attempt = ++port_case.attempts;
    sent.sibling = std::exchange(port_case.flights, slot);
    port_case.last_sent = now;
    if (which == scout_) is_scout_sent_ = true;
    if (port_case.attempts > parameters_.retries) schedule_control(port_case.item, now);
  }
  link(slot);
  static_cast<void>(limit_.take(now, cost(sent.attempt)));
  if (is_swept()) crawl_.take(now);
  return probe{sent.item, sent.attempt, slot, !!control, counts_syns() ? plan_.at(sent.attempt).kept : duration(0)};
}

void sweep::take_back(slot_number slot, bool in_front) {
  const flight in_flight = flights_[slot];
  release(slot);
  if (is_control(in_flight)) {
    if (is_testing()) crawl_.give_back(in_flight.sent);
    return;
  }
  if (in_flight.at != stage::awaited) return;  // the port was asked again already, or is queued for it
  const case_number which = in_flight.of;
  --cases_[which].attempts;
  if (in_front) queue(again_, which, true);
}

void sweep::put_back(std::uint32_t slot, time_point system_now) {
  const time_point now = running_.at(system_now);
  take_back(slot, true);
  window_.shrink_to(awaited_);
  hold_until_ = now + short_of_resources;
}

void sweep::repeat(std::uint32_t slot) { take_back(slot, true); }

void sweep::cannot_reach(std::uint32_t slot, int system_error, time_point system_now) {
  const time_point now = running_.at(system_now);
  const case_number which = flights_[slot].of;
  take_back(slot, false);
  if (which == none) return;  // a control
  if (which == scout_) scout_ = none;
  if (down_since_ == never) {
    down_since_ = now;
    next_scout_ = now + link_retry;
  }
  cases_[which].system_error = system_error;
  queue(parked_, which);
}

// One parked case (the scout) tests whether the target can be reached again; once it was sent, the others follow.
void sweep::retry_parked(time_point now) {
  if (scout_ != none && is_scout_sent_) {
    scout_ = none;
    down_since_ = never;
    while (!parked_.empty()) queue(again_, take(parked_));
  }
  if (parked_.empty()) return;
  if (now - down_since_ >= link_timeout) {
    while (!parked_.empty()) conclude(take(parked_), verdict::not_sent);
  } else if (now >= next_scout_ && scout_ == none) {
    next_scout_ = now + link_retry;
    scout_ = take(parked_);
    is_scout_sent_ = false;
    queue(again_, scout_, true);
  }
}

std::optional<duration> sweep::answered(std::uint32_t slot, time_point system_now, answer origin) {
  const time_point now = running_.at(system_now);
  const flight in_flight = flights_[slot];
  const unsigned outdated = is_control(in_flight) ? 0 : cases_[in_flight.of].outdated;
  release(slot);
  if (!is_control(in_flight)) close(in_flight.of);
  if (origin == answer::local) {
    if (window_.ended(true)) last_shrunk_ = now;
    return std::nullopt;
  }
  const duration rtt = now - in_flight.sent;
  path& way = paths_.entry(target(in_flight.item));
  // One port that is slower than its host must not lengthen all timeouts. If the kernel has repeated the SYN, it is
  // not known which one was answered (Karn's algorithm).
  const bool is_ambiguous = rtt >= parameters_.kernel.repetition(1) && way.rtt.has_sample();
  if (!is_ambiguous) {
    const duration sample = way.rtt.has_sample() ? std::min(rtt, 2 * way.rtt.timeout()) : rtt;
    way.rtt.add(sample);
    common_.add(sample);
  }
  const bool is_of_target = origin != answer::from_path;  // else it says nothing about loss on the way to the target
  if (is_of_target) {
    way.last_answer = now;
    way.backoff = 0;
    way.last_answered_sent = std::max(way.last_answered_sent, in_flight.sent);
    if (in_flight.sent > way.last_missing)
      for (; way.missing > 0; --way.missing) lose_control(way.control, way.last_missing, now);
    loss_.answered_at(in_flight.attempt > outdated ? in_flight.attempt - outdated : 1);
    if (is_control(in_flight)) loss_.control_answered();
    if (is_swept()) is_control(in_flight) ? crawl_.control_answered(in_flight.sent, now) : crawl_.answered(now);
  }
  if (origin == answer::refusal) way.control = in_flight.item;
  // Losses from before the window shrank say nothing about its present size.
  if (is_of_target && in_flight.attempt > 1 && in_flight.sent - way.rtt.timeout() > last_shrunk_)
    window_.lost(in_flight.attempt - 1U);
  else
    window_.answered();
  // Many overdue probes are lost or filtered; in neither case should the window grow.
  const bool few_overdue = awaited_ - on_path_ <= window_.size();
  if (window_.ended(few_overdue && has_short_queue(way.rtt))) last_shrunk_ = now;
  return rtt;
}

void sweep::gave_up(std::uint32_t slot, time_point system_now) {
  const time_point now = running_.at(system_now);
  if (flights_[slot].at == stage::awaited) expire(slot, now);
  if (flights_[slot].at == stage::late) release(slot);
}

void sweep::lose_control(std::uint64_t item, time_point sent, time_point now) {
  loss_.control_lost();
  tested_ = item;
  if (is_swept()) crawl_.control_lost(sent, true, now);
}

void sweep::expire_control(slot_number slot, time_point now) {
  const flight in_flight = flights_[slot];
  path& way = paths_.entry(target(in_flight.item));
  release_later(slot);
  if (way.last_answered_sent >= in_flight.sent)
    return lose_control(in_flight.item, in_flight.sent, now);  // a later probe was answered
  if (way.last_answer < in_flight.sent) way.backoff = std::min(way.backoff + 1, max_backoff);
  if (is_testing())
    crawl_.control_lost(in_flight.sent, false, now);
  else
    ++way.missing;
  way.last_missing = std::max(way.last_missing, in_flight.sent);
}

void sweep::expire(slot_number slot, time_point now) {
  flight& in_flight = flights_[slot];
  if (is_control(in_flight)) return expire_control(slot, now);
  unlink(slot);
  late_.push({in_flight.sent + (counts_syns() ? plan_.at(in_flight.attempt).kept : parameters_.timeout), slot,
              in_flight.generation});
  if (window_.ended_silent()) last_shrunk_ = now;
  // If the path loses most packets however few are in flight, the size of the window does not matter.
  if ((in_flight.sent > last_shrunk_ || crawl_.is_lossy()) && in_flight.sent > crawl_.changed())
    ++(silence_counts(in_flight.item, in_flight.sent, now) ? cases_[in_flight.of].fair : cases_[in_flight.of].unproved);
  ask_again_later(in_flight.of);
}

// A connection is closed when its own time is up and also, unless that would repeat its SYN too often, the time of
// the port's latest probe.
void sweep::close_late(time_point now) {
  while (!late_.empty()) {
    const closing next = late_.top();
    const flight& in_flight = flights_[next.slot];
    const bool is_current = in_flight.generation == next.generation && in_flight.at == stage::late;
    if (is_current && next.due > now) return;
    late_.pop();
    if (!is_current) continue;
    const time_point latest = cases_[in_flight.of].last_sent + parameters_.timeout;
    if (!counts_syns() && latest > now)
      late_.push({latest, next.slot, next.generation});
    else
      release_later(next.slot);
  }
}

void sweep::settle(time_point now) {
  while (!doubtful_.empty() &&
         ((is_swept() && was_asked_enough(cases_[doubtful_.front()])) || doubtful_.size() > max_doubtful)) {
    open_case& port_case = cases_[doubtful_.front()];
    if (!is_swept()) port_case.attempts = most_attempts;
    const case_number which = take(doubtful_);
    port_case.is_queued = true;
    settling_.push({port_case.last_sent + parameters_.timeout, which});
  }
  while (!settling_.empty() && settling_.top().due <= now) {
    const case_number which = settling_.top().which;
    settling_.pop();
    open_case& port_case = cases_[which];
    port_case.is_queued = false;
    if (!port_case.is_done && silence_counts(port_case.item, port_case.last_sent, now))
      port_case.fair += port_case.unproved;
    port_case.unproved = 0;
    if (port_case.is_done) {
      free_cases_.push_back(which);
    } else if (parameters_.retries_fixed || port_case.fair >= wanted_tries()) {
      conclude(which, verdict::silent);
    } else if (was_asked_enough(port_case)) {
      conclude(which, verdict::unsure);
    } else {
      queue(doubtful_, which);
    }
  }
}

void sweep::tick(time_point system_now) {
  const time_point now = running_.at(system_now);
  for (std::size_t wait = 0; wait < waits; ++wait)
    // Timeouts differ by target, but only the oldest probe is checked: it can delay the next attempts of the others
    // by parameters_.timeout at most.
    while (lists_[wait].first != none) {
      const slot_number slot = lists_[wait].first;
      if (flights_[slot].sent + timeout_of(flights_[slot]) > now) break;
      expire(slot, now);
    }
  close_late(now);
  restart_after_pace_change();
  retry_parked(now);
  if (is_swept() && !std::exchange(was_swept_, true)) crawl_ = crawl(now);
  settle(now);
}

std::optional<sweep::conclusion> sweep::take_conclusion() {
  if (conclusions_.empty()) return std::nullopt;
  const conclusion first = conclusions_.front();
  conclusions_.pop_front();
  return first;
}

time_point sweep::wake(time_point system_now) const {
  if (!released_.empty() || !conclusions_.empty()) return system_now;
  constexpr time_point now = time_point::min();
  time_point at = never;
  if (has_slot() && is_testing()) {
    at = std::max({crawl_.next(), hold_until_, limit_.next()});
  } else if (has_slot() && has_work()) {
    time_point room = on_path_ < window_.size() ? now : never;
    for (const list& waiting : lists_)
      if (waiting.oldest_on_path != none) room = std::min(room, leaves_path(flights_[waiting.oldest_on_path]));
    at = std::max({room, hold_until_, limit_.next()});
    if (is_swept()) at = std::max(at, crawl_.next());
  }
  if (is_swept() && !doubtful_.empty() && was_asked_enough(cases_[doubtful_.front()])) at = now;
  for (const list& waiting : lists_)
    if (waiting.first != none) at = std::min(at, flights_[waiting.first].sent + timeout_of(flights_[waiting.first]));
  if (!late_.empty()) at = std::min(at, late_.top().due);
  if (!settling_.empty()) at = std::min(at, settling_.top().due);
  if (scout_ != none && is_scout_sent_) at = now;
  if (!parked_.empty()) at = std::min(at, scout_ == none ? next_scout_ : down_since_ + link_timeout);
  if (at == never) return never;
  return std::max(system_now, std::min(running_.until(at), running_.next_call()));
}

std::optional<std::uint64_t> sweep::take_unfinished() {
  if (!std::exchange(was_ended_, true)) {
    for (const case_number each : free_cases_) cases_[each].is_done = true;
    flights_.assign(flights_.size(), {});
    under_way_ = awaited_ = on_path_ = 0;
  }
  while (!cases_.empty()) {
    const open_case last = cases_.back();
    cases_.pop_back();
    if (!last.is_done) return last.item;
  }
  return std::nullopt;
}

}  // namespace netlab::scan
