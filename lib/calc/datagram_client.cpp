// SPDX-License-Identifier: MIT
#include "calc/datagram_client.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/check.hpp"

namespace netlab::calc {
namespace {

// The number of finished requests for which late duplicates of answers are recognised.
constexpr std::size_t remembered = 4096;

}  // namespace

void datagram_client::send(const request& asked) { append_request(output_.emplace_back(), asked, order_); }

void datagram_client::submit(std::uint64_t tag, request asked, time_point now) {
  send(asked);
  finished_.erase(asked.id);
  const std::uint32_t id = asked.id;
  outstanding_[id] = {
      .tag = tag, .asked = std::move(asked), .since = now, .next_send = now + timeout_ / (retries_ + 1)};
}

void datagram_client::receive(bytes_view datagram, time_point now) {
  unreachable_.reset();
  if (outstanding_.empty()) return;
  auto match = outstanding_.end();
  if (datagram.size() >= 4) {
    const std::uint32_t id = load_u32(datagram, order_);
    match = outstanding_.find(id);
    if (match == outstanding_.end() && finished_.contains(id)) return;
  }
  // A datagram without a known ID is treated as the answer to the oldest request.
  if (match == outstanding_.end())
    match = std::min_element(outstanding_.begin(), outstanding_.end(),
                             [](const auto& one, const auto& other) { return one.second.since < other.second.since; });
  finish(match, check_datagram(match->second.asked, order_, datagram), now);
}

void datagram_client::fail_all(const failure& why, time_point now) {
  while (!outstanding_.empty()) finish(outstanding_.begin(), unexpected(why), now);
}

void datagram_client::unreachable(const failure& why, time_point now) {
  unreachable_ = why;
  for (auto each = outstanding_.begin(); each != outstanding_.end();) {
    const auto current = each++;
    if (current->second.sends > retries_) finish(current, unexpected(why), now);
  }
}

void datagram_client::tick(time_point now) {
  for (auto each = outstanding_.begin(); each != outstanding_.end();) {
    const auto current = each++;
    waiting& one = current->second;
    if (now >= one.since + timeout_) {
      failure why{make_error_code(errc::timed_out), {}, {}, silence_hint(one.asked, order_)};
      why.detail = fmt::format("no answer within {} to {}", to_string(timeout_), count_of(one.sends, "datagram"));
      finish(current, unexpected(unreachable_ ? *unreachable_ : std::move(why)), now);
    } else if (now >= one.next_send && one.sends <= retries_) {
      ++one.sends;
      one.next_send = one.since + timeout_ / (retries_ + 1) * one.sends;
      send(one.asked);
    }
  }
}

std::optional<time_point> datagram_client::deadline() const {
  std::optional<time_point> first;
  for (const auto& [id, one] : outstanding_) {
    const time_point due = one.sends <= retries_ ? std::min(one.next_send, one.since + timeout_) : one.since + timeout_;
    first = earlier(due, first);
  }
  return first;
}

void datagram_client::finish(map::iterator which, result<std::int32_t> value, time_point now) {
  waiting one = std::move(which->second);
  const std::uint32_t id = which->first;
  outstanding_.erase(which);
  finished_.insert(id);
  finished_in_order_.push_back(id);
  if (finished_in_order_.size() > remembered) {  // the oldest, not the smallest: IDs wrap around
    finished_.erase(finished_in_order_.front());
    finished_in_order_.pop_front();
  }
  outcomes_.push_back({one.tag, std::move(one.asked), std::move(value), now - one.since});
}

}  // namespace netlab::calc
