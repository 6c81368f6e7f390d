// SPDX-License-Identifier: MIT
#include "scan/stateless_pace.hpp"

#include <algorithm>
#include <cmath>

namespace netlab::scan {
namespace {

constexpr double least_burst = 1;
constexpr double most_rate = 20'000'000;
// A decision needs this many answers, or this many periods.
constexpr double least_answers = 16;
constexpr unsigned most_periods = 12;
constexpr unsigned periods_later = 5;  // once the rate has been lowered: 20 ms
constexpr double share_lost = 0.96;    // of the usual share of answers: below it packets are being lost
constexpr double share_kept = 0.98;    // above it none are
constexpr double queue_tolerance = 0.008;  // seconds that answers may take longer
constexpr double memory = 65'536;          // probes that the usual share of answers is computed from
constexpr double below_capacity = 0.98;
constexpr double small_step = 1.02;
constexpr double recovery = 1.25;
constexpr unsigned max_lowered_without_effect = 5;
// Delays of this process that a burst makes up for. A fixed rate is kept in spite of the scheduler; an adaptive one
// must not overflow a short queue on the path.
constexpr duration fixed_rate_lag = std::chrono::milliseconds(10);
constexpr duration adaptive_rate_lag = std::chrono::milliseconds(2);
// Answers are passed to answered() in the order of their arrival, but late, because of the kernel's receive ring and of
// long turns of the event loop.
constexpr duration max_delivery_delay = std::chrono::milliseconds(12);
constexpr duration unknown_round_trip = std::chrono::milliseconds(100);
constexpr duration lowering_gap = std::chrono::milliseconds(20);

double seconds_of(duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

stateless_pace::stateless_pace(const options& parameters, time_point now)
    : is_adaptive_(parameters.rate == 0),
      began_(now),
      packets_(is_adaptive_ ? first_rate : parameters.rate, least_burst,
               is_adaptive_ ? adaptive_rate_lag : fixed_rate_lag, now),
      bits_(parameters.bandwidth, 0, fixed_rate_lag, now),
      rtt_(unknown_round_trip, std::chrono::milliseconds(1), parameters.timeout),
      slots_(is_adaptive_ ? slot_count : 0),
      lowered_(now - std::chrono::hours(1)) {}

std::size_t stateless_pace::allowed(time_point now, std::size_t most, std::size_t wire_octets) {
  auto count = static_cast<double>(most);
  count = std::min(count, packets_.available(now));
  // The bit budget may become negative by one packet, so that the bucket need not hold a whole one.
  if (bits_.is_limited()) {
    const double free = bits_.available(now);
    count = std::min(count, free < 0 ? 0.0 : std::max(1.0, free / (8.0 * static_cast<double>(wire_octets))));
  }
  return count < 1 ? 0 : static_cast<std::size_t>(count);
}

void stateless_pace::sent(const volume& packets, time_point now) {
  packets_.use(static_cast<double>(packets.packets));
  if (bits_.is_limited()) bits_.use(8.0 * static_cast<double>(packets.wire_octets));
  if (!is_adaptive_) return;
  slot& period = slot_of(number_of(now));
  period.sent += static_cast<std::uint32_t>(packets.packets);
  period.first_probes += static_cast<std::uint32_t>(packets.first_probes);
}

time_point stateless_pace::next() const {
  const time_point at = packets_.when(1);
  return bits_.is_limited() ? std::max(at, bits_.when(0)) : at;
}

stateless_pace::slot& stateless_pace::slot_of(std::uint64_t number) {
  slot& found = slots_[number % slot_count];
  if (found.number != number) {
    found.number = number;
    found.sent = found.first_probes = found.answered = found.arrived = 0;
  }
  return found;
}

const stateless_pace::slot* stateless_pace::known(std::uint64_t number) const {
  const slot& found = slots_[number % slot_count];
  return found.number == number ? &found : nullptr;
}

void stateless_pace::answered(time_point sent_at, time_point received_at, duration round_trip, bool is_first) {
  if (!is_adaptive_) return;
  ++slot_of(number_of(received_at)).arrived;
  latest_arrival_ = std::max(latest_arrival_, received_at);
  if (sent_at == time_point::min() || sent_at < resumed_) return;
  rtt_.add(round_trip);
  const std::uint64_t number = number_of(sent_at);
  slot& period = slots_[number % slot_count];
  if (period.number != number || !is_first) return;
  if (period.answered < samples) period.round_trips[period.answered] = static_cast<float>(seconds_of(round_trip));
  ++period.answered;
}

double stateless_pace::arrivals_a_second(time_point now) const {
  constexpr std::uint64_t periods = 12;
  const std::uint64_t end = number_of(now);
  const std::uint64_t first = end > periods ? end - periods : 0;
  double count = 0;
  for (std::uint64_t number = first; number < end; ++number)
    if (const slot* period = known(number)) count += period->arrived;
  return end == first ? 0 : count / (static_cast<double>(end - first) * seconds_of(slot_time));
}

void stateless_pace::set(double rate, time_point now) {
  packets_.set(std::clamp(rate, least_rate, most_rate));
  valid_from_ = number_of(now) + 1;
  since_ = {};
}

void stateless_pace::lower(double to, duration pause, time_point now) {
  const double rate = packets_.per_second();
  ceiling_ = std::min(to, rate);
  set(ceiling_ * below_capacity, now);
  growth_ = small_step;
  lowered_ = now;
  if (pause <= duration(0)) return;
  packets_.pause(now + pause);
  valid_from_ = number_of(now + pause) + 1;
}

void stateless_pace::overrun(time_point now) {
  if (now - lowered_ < lowering_gap) return;
  lower(packets_.per_second() * 0.7, duration(0), now);
}

void stateless_pace::congested_here(time_point now) {
  packets_.pause(now + std::chrono::milliseconds(1));
  if (is_adaptive_ && now - lowered_ >= lowering_gap) lower(packets_.per_second() * 0.9, duration(0), now);
}

void stateless_pace::lossy(time_point now) {
  if (is_adaptive_) lower(packets_.per_second() / 2, duration(0), now);
}

bool stateless_pace::is_enough() const {
  if (since_.periods >= most_periods) return true;
  if (ceiling_ > 0 && since_.periods < periods_later) return false;
  return std::max(usual_ * since_.first_probes, weight_ > 0 ? 0 : since_.answered) >= least_answers;
}

void stateless_pace::decide(time_point now) {
  double round_trip = 0;
  if (since_.round_trips.size() >= 8) {
    const auto middle = since_.round_trips.begin() + static_cast<std::ptrdiff_t>(since_.round_trips.size() / 2);
    std::nth_element(since_.round_trips.begin(), middle, since_.round_trips.end());
    round_trip = *middle;
    if (base_round_trip_ == 0 || round_trip < base_round_trip_) base_round_trip_ = round_trip;
  }
  const double rate = packets_.per_second();
  const double expected = usual_ * since_.first_probes;
  const bool is_known = std::max(expected, weight_ > 0 ? 0 : since_.answered) >= least_answers;
  const double queued = round_trip == 0 ? 0 : round_trip - base_round_trip_;
  const bool has_queue = queued > std::max(queue_tolerance, base_round_trip_ / 4);
  // The number of answers varies by chance (binomial distribution): allow three standard deviations.
  const double chance = 3 * std::sqrt(expected * (1 - std::min(usual_, 1.0))) + 2;
  const bool has_loss = is_known && since_.answered < share_lost * expected - chance;
  if (!has_loss) lowered_without_effect_ = 0;
  if (has_loss && ++lowered_without_effect_ > max_lowered_without_effect) {
    usual_ = since_.answered / since_.first_probes;
    weight_ = since_.first_probes;
    lowered_without_effect_ = 0;
  } else if (has_queue || has_loss) {
    const double capacity = expected > 0 ? arrivals_a_second(now) * since_.sent / expected : 0;
    const double share = expected > 0 ? std::max(since_.answered / expected, 0.05) : 0.5;
    const double target = has_queue && capacity > 0 ? std::max(capacity, rate / 8) : rate * share;
    const auto pause = std::chrono::duration<double>(std::clamp(queued, 0.0, 0.5));
    return lower(target, std::chrono::duration_cast<duration>(pause), now);
  }
  const bool has_none = since_.answered >= share_kept * expected - chance;
  if (has_none) {
    weight_ = std::min(weight_, memory);
    usual_ = (usual_ * weight_ + since_.answered) / (weight_ + since_.first_probes);
    weight_ += since_.first_probes;
  }
  const double used = since_.sent / (static_cast<double>(since_.periods) * seconds_of(slot_time));
  if (has_none && queued <= std::max(queue_tolerance, base_round_trip_ / 4) / 2)
    grow(used, is_known, now);
  else
    since_ = {};
}

void stateless_pace::grow(double used, bool is_known, time_point now) {
  const double rate = packets_.per_second();
  // Do not raise the rate further if this machine does not reach it.
  if (used < 0.7 * rate) return set(rate, now);
  const bool is_new = rate > 1.1 * ceiling_;
  const double step = ceiling_ > 0 && rate < 0.9 * ceiling_ ? recovery : growth_;
  if (ceiling_ > 0) growth_ = is_new ? std::min(2.0, 1 + 1.3 * (growth_ - 1)) : small_step;
  set(std::min(rate * step, is_known ? most_rate : std::max(max_unmeasured_rate, rate)), now);
}

time_point stateless_pace::tick(time_point now) {
  if (!is_adaptive_) return never;
  if (stall_.has_stalled(now)) {
    resumed_ = now;
    next_slot_ = number_of(now);
    valid_from_ = next_slot_ + 1;
    since_ = {};
  }
  for (;; ++next_slot_) {
    // By then the answers to the period's probes have arrived. They have also been passed to answered() when a later
    // one has been, or after `max_delivery_delay`.
    const time_point complete_at = began_ + slot_time * static_cast<std::int64_t>(next_slot_ + 1) + rtt_.transit();
    if (complete_at > latest_arrival_ && complete_at + max_delivery_delay > now)
      return std::min(complete_at + max_delivery_delay, stall_.next_call());
    const slot* const period = known(next_slot_);
    if (period == nullptr || next_slot_ < valid_from_ || period->first_probes == 0) continue;
    since_.sent += period->sent;
    since_.first_probes += period->first_probes;
    since_.answered += period->answered;
    ++since_.periods;
    const std::size_t count = std::min<std::size_t>(period->answered, samples);
    since_.round_trips.insert(since_.round_trips.end(), period->round_trips.begin(),
                              period->round_trips.begin() + static_cast<std::ptrdiff_t>(count));
    if (is_enough()) decide(now);
  }
}

}  // namespace netlab::scan
