// SPDX-License-Identifier: MIT
#include "calc/load.hpp"

#include <algorithm>
#include <bit>
#include <random>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/check.hpp"
#include "calc/evaluate.hpp"
#include "calc/lost_answer.hpp"

namespace netlab::calc {
namespace {

constexpr std::size_t most_prepared = 4096;
// All of them stay in the processor's second cache.
constexpr std::size_t prepared_octets = 256 * 1024;

std::vector<std::int32_t> random_numbers(std::size_t count, operation op, std::minstd_rand& random) {
  std::vector<std::int32_t> numbers(count);
  // A product of 255 numbers ±1 and a sum of 255 numbers below 2^20 fit in 32 bits.
  for (std::int32_t& number : numbers) {
    const auto bits = static_cast<std::int32_t>(random());
    number = op == operation::product ? ((bits & 1) != 0 ? 1 : -1) : (bits & 0xfffff) - 0x80000;
  }
  return numbers;
}

}  // namespace

prepared_requests::prepared_requests(std::size_t numbers, byte_order order, std::uint32_t seed)
    : order_(order), size_(header_size + 4 * numbers) {
  std::minstd_rand random(seed);
  const std::size_t count = std::bit_floor(std::min(most_prepared, prepared_octets / size_));
  for (std::size_t at = 0; at < count; ++at) {
    // MIN and MAX of no numbers have no answer.
    const auto op = static_cast<operation>(at % (numbers == 0 ? 2 : 4));
    const request made{.op = std::string(name_of(op)), .numbers = random_numbers(numbers, op, random)};
    append_request(encoded_, made, order);
    results_.push_back(*evaluate(made));
  }
}

void prepared_requests::append(bytes& to, std::uint32_t id, std::size_t number, std::size_t count) const {
  while (count > 0) {
    // One copy up to the end of the prepared ones, then the IDs.
    const std::size_t first = place_of(number);
    const std::size_t part = std::min(count, results_.size() - first);
    std::size_t at = to.size();
    netlab::append(to, bytes_view(encoded_).subspan(first * size_, part * size_));
    for (; at < to.size(); at += size_) store_u32(std::span(to).subspan(at), id++, order_);
    number += part;
    count -= part;
  }
}

std::size_t prepared_requests::count_right(bytes_view input, std::uint32_t id, std::size_t number) const noexcept {
  const std::size_t complete = input.size() / answer_size;
  for (std::size_t at = 0; at < complete; ++at, ++id) {
    const answer got = decode_answer(input.subspan(at * answer_size), order_);
    if (got.id != id || got.value != result(number + at)) return at;
  }
  return complete;
}

request prepared_requests::decoded(std::uint32_t id, std::size_t number) const {
  const bytes_view encoded = bytes_view(encoded_).subspan(place_of(number) * size_, size_);
  const header head = decode_header(encoded, order_);
  request made{.id = id, .op = head.operation_name(), .numbers = std::vector<std::int32_t>(head.count)};
  decode_numbers(encoded.subspan(header_size), order_, made.numbers);
  return made;
}

void load_tally::fail(const failure& why) {
  ++(why.code == errc::peer_protocol ? wrong : lost);
  note(why);
}

void load_tally::merge(const load_tally& other) {
  latencies.merge(other.latencies);
  answers += other.answers;
  wrong += other.wrong;
  lost += other.lost;
  if (other.first_failure) note(*other.first_failure);
}

stream_load::stream_load(const prepared_requests& requests, load_tally& tally, std::size_t first, std::size_t pipeline,
                         duration timeout)
    : requests_(&requests), tally_(&tally), pipeline_(pipeline), timeout_(timeout), oldest_(first), next_(first) {}

void stream_load::fill(bytes& output, time_point now) {
  const std::size_t missing = pipeline_ - in_flight();
  if (ended_ || missing == 0) return;
  if (in_flight() == 0) waiting_since_ = now;
  requests_->append(output, static_cast<std::uint32_t>(next_), next_, missing);
  next_ += missing;
  bursts_.push_back({.end = next_, .sent_at = now});
}

/// How many answers at the start of the input are right. The last one in flight is not if anything follows it.
std::size_t stream_load::count_right(bytes_view input) const noexcept {
  const std::size_t asked = in_flight() * answer_size;
  const std::size_t right = requests_->count_right(input.first(std::min(asked, input.size())), oldest_id(), oldest_);
  return right == in_flight() && input.size() > asked ? right - 1 : right;
}

void stream_load::feed(bytes_view from_peer, time_point now) {
  if (ended_) return;
  bytes joined;
  if (!input_.empty()) {
    joined = std::exchange(input_, {});
    append(joined, from_peer);
    from_peer = joined;
  }
  while (in_flight() > 0 && from_peer.size() >= answer_size && !ended_) {
    const std::size_t right = count_right(from_peer);
    if (right > 0) {
      record(right, now);
    } else {
      diagnose(from_peer);
      leave(1);
    }
    waiting_since_ = now;
    from_peer = from_peer.subspan(std::max<std::size_t>(right, 1) * answer_size);
  }
  if (in_flight() == 0 && !from_peer.empty()) ended_ = true;  // more answers than requests
  append(input_, from_peer);
}

/// The oldest requests have got right answers.
void stream_load::record(std::size_t count, time_point now) {
  answers_ += count;
  while (count > 0) {
    const burst& oldest = bursts_.front();
    const std::size_t part = std::min(count, oldest.end - oldest_);
    tally_->record(now - oldest.sent_at, part);
    leave(part);
    count -= part;
  }
}

void stream_load::diagnose(bytes_view reply) {
  failed_ = true;
  if (requests_->count_right(reply.first(answer_size), oldest_id(), oldest_) > 0) {
    ended_ = true;
    return tally_->fail({make_error_code(errc::peer_protocol),
                         {},
                         fmt::format("the answer has {}, not {}", count_of(reply.size(), "octet"), answer_size),
                         {}});
  }
  const request asked = requests_->decoded(oldest_id(), oldest_);
  // An echo or text: the rest of the input cannot be divided into answers.
  ended_ = is_foreign(asked, requests_->order(), reply);
  if (const auto value = check_answer(asked, requests_->order(), reply); !value) tally_->fail(value.error());
}

/// The oldest requests, which were sent at one time, are no longer in flight.
void stream_load::leave(std::size_t count) {
  oldest_ += count;
  if (oldest_ == bursts_.front().end) bursts_.pop_front();
}

void stream_load::lose_oldest(failure why) {
  ended_ = failed_ = true;
  if (input_.empty())  // otherwise it has begun to answer
    why.hint =
        unanswered_hint(requests_->decoded(oldest_id(), oldest_), requests_->order(), in_flight() > 1, answers_ > 0);
  tally_->fail(why);
  leave(1);
}

void stream_load::eof(time_point) {
  if (std::exchange(ended_, true) || in_flight() == 0) return;
  if (!input_.empty())
    lose_oldest(closed_within_answer(input_.size()));
  else if (answers_ == 0)  // after an answer, a new connection may succeed: many servers answer one request and close
    lose_oldest(closed_without_answer());
}

void stream_load::tick(time_point now) {
  const auto due = deadline();
  if (!due || *due > now) return;
  lose_oldest(answer_timed_out(input_.size(), timeout_));
}

std::optional<time_point> stream_load::deadline() const {
  if (ended_ || in_flight() == 0) return std::nullopt;
  return std::max(waiting_since_, bursts_.front().sent_at) + timeout_;
}

datagram_load::datagram_load(const prepared_requests& requests, load_tally& tally, std::size_t first,
                             std::size_t pipeline, duration timeout)
    : requests_(requests), tally_(tally), first_(first), timeout_(timeout), slots_(pipeline) {
  for (std::size_t at = pipeline; at > 0; --at) {
    slots_[at - 1].id = static_cast<std::uint32_t>(at - 1);
    empty_.push_back(static_cast<std::uint32_t>(at - 1));
  }
}

void datagram_load::fill(bytes& output, time_point now) {
  for (; !empty_.empty(); empty_.pop_back()) {
    slot& one = slots_[empty_.back()];
    one.is_empty = false;
    one.sent_at = now;
    requests_.append(output, one.id, number_of(one));
  }
  next_tick_ = std::min(next_tick_, now + timeout_);
}

void datagram_load::leave(slot& from) {
  const auto index = static_cast<std::uint32_t>(&from - slots_.data());
  from.is_empty = true;
  // The next ID of this slot; where the numbers end, they begin again.
  const auto step = static_cast<std::uint32_t>(slots_.size());
  from.id = from.id > UINT32_MAX - step ? index : from.id + step;
  empty_.push_back(index);
}

void datagram_load::receive(bytes_view datagram, time_point now) {
  if (in_flight() == 0) return;
  slot* match = nullptr;
  if (datagram.size() >= 4) {
    const std::uint32_t id = load_u32(datagram, requests_.order());
    slot& one = slots_[id % slots_.size()];
    if (one.id == id && !one.is_empty) match = &one;
    if (match == nullptr && id < one.id) return;  // late, or a duplicate
  }
  if (match != nullptr && datagram.size() == answer_size &&
      decode_answer(datagram, requests_.order()).value == requests_.result(number_of(*match))) {
    tally_.record(now - match->sent_at);
    return leave(*match);
  }
  // A datagram without a known ID is treated as the answer to the oldest request.
  if (match == nullptr)
    match = &*std::min_element(slots_.begin(), slots_.end(), [](const slot& one, const slot& other) {
      return std::pair(one.is_empty, one.sent_at) < std::pair(other.is_empty, other.sent_at);
    });
  const auto value = check_datagram(request_in(*match), requests_.order(), datagram);
  if (value)
    tally_.record(now - match->sent_at);
  else
    tally_.fail(value.error());
  leave(*match);
}

void datagram_load::tick(time_point now) {
  if (now < next_tick_) return;
  next_tick_ = never;
  for (slot& each : slots_) {
    if (each.is_empty) continue;
    if (now < each.sent_at + timeout_) {
      next_tick_ = std::min(next_tick_, each.sent_at + timeout_);
      continue;
    }
    tally_.fail({make_error_code(errc::timed_out),
                 {},
                 fmt::format("no answer within {} to {}", to_string(timeout_), count_of(1, "datagram")),
                 silence_hint(request_in(each), requests_.order())});
    leave(each);
  }
}

void datagram_load::fail_all(const failure& why) {
  for (slot& each : slots_) {
    if (each.is_empty) continue;
    tally_.fail(why);
    leave(each);
  }
}

std::optional<time_point> datagram_load::deadline() const {
  if (in_flight() == 0) return std::nullopt;
  return next_tick_;
}

}  // namespace netlab::calc
