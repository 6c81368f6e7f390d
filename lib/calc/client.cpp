// SPDX-License-Identifier: MIT
#include "calc/client.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/check.hpp"
#include "calc/lost_answer.hpp"

namespace netlab::calc {

void client::submit(std::uint64_t tag, request asked, time_point now) {
  append_request(output_, asked, order_);
  if (outstanding_.empty()) waiting_since_ = now;
  outstanding_.push_back({tag, std::move(asked), now});
}

void client::close() { closing_ = true; }

void client::feed(bytes_view from_peer, time_point now) {
  if (ended_) return;
  append(input_, from_peer);
  std::size_t used = 0;
  while (!outstanding_.empty() && input_.size() - used >= answer_size) {
    const bytes_view reply = bytes_view(input_).subspan(used);
    const request& asked = outstanding_.front().asked;
    auto value = check_answer(asked, order_, reply);
    if (!value && is_foreign(asked, order_, reply)) {
      ended_ = true;  // the rest of the input cannot be divided into answers
      finish_first(std::move(value), now);
      break;
    }
    used += answer_size;
    if (value && outstanding_.size() == 1 && reply.size() > answer_size) {
      ended_ = true;
      value = fail(errc::peer_protocol,
                   fmt::format("the answer has {}, not {}", count_of(reply.size(), "octet"), answer_size));
    }
    if (value) ++answers_;
    finish_first(std::move(value), now);
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
  if (outstanding_.empty() && !input_.empty()) ended_ = true;  // more answers than requests
}

void client::finish_first(result<std::int32_t> value, time_point now) {
  waiting first = std::move(outstanding_.front());
  outstanding_.pop_front();
  waiting_since_ = now;
  outcomes_.push_back({first.tag, std::move(first.asked), std::move(value), now - first.since});
}

void client::fail_first(failure why, time_point now) {
  ended_ = true;
  if (input_.empty())  // otherwise it has begun to answer
    why.hint = unanswered_hint(outstanding_.front().asked, order_, outstanding_.size() > 1, answers_ > 0);
  finish_first(unexpected(std::move(why)), now);
}

void client::eof(time_point now) {
  if (ended_) return;
  ended_ = true;
  if (outstanding_.empty()) return;
  if (!input_.empty())
    fail_first(closed_within_answer(input_.size()), now);
  else if (answers_ == 0)  // after an answer, a new connection may succeed: many servers answer one request and close
    fail_first(closed_without_answer(), now);
}

void client::tick(time_point now) {
  const auto due = deadline();
  if (!due || *due > now) return;
  fail_first(answer_timed_out(input_.size(), timeout_), now);
}

std::optional<time_point> client::deadline() const {
  if (ended_ || outstanding_.empty()) return std::nullopt;
  return std::max(waiting_since_, outstanding_.front().since) + timeout_;
}

std::vector<client::unanswered> client::take_unanswered() {
  std::vector<unanswered> left;
  for (waiting& each : outstanding_) left.push_back({each.tag, std::move(each.asked)});
  outstanding_.clear();
  return left;
}

}  // namespace netlab::calc
