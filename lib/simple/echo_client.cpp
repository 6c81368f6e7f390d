// SPDX-License-Identifier: MIT
#include "simple/echo_client.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::simple {
namespace {

constexpr std::size_t shown = 40;  // octets of a wrong reply in a message

unexpected<failure> differs(std::size_t at, bytes_view from_there) {
  return fail(errc::peer_protocol,
              fmt::format("the reply differs from octet {} on: '{}'", at, escape(as_text(from_there), shown)));
}

unexpected<failure> too_long(std::size_t reply, std::size_t sent) {
  return fail(errc::peer_protocol, fmt::format("the reply has {}, {} were sent", count_of(reply, "octet"), sent));
}

}  // namespace

result<void> compare_echo(bytes_view sent, bytes_view reply) {
  const auto [mine, theirs] = std::mismatch(sent.begin(), sent.end(), reply.begin(), reply.end());
  const auto at = static_cast<std::size_t>(theirs - reply.begin());
  if (theirs == reply.end() && mine != sent.end())
    return fail(errc::peer_protocol, fmt::format("the reply has {} of {} octets", reply.size(), sent.size()));
  if (theirs != reply.end() && mine == sent.end()) return too_long(reply.size(), sent.size());
  if (theirs != reply.end()) return differs(at, reply.subspan(at));
  return {};
}

echo_client::echo_client(bytes message, duration timeout, time_point now)
    : message_(std::move(message)), output_(message_), timeout_(timeout), last_input_(now) {
  if (message_.empty()) outcome_.emplace();
}

void echo_client::feed(bytes_view from_peer, time_point now) {
  if (outcome_) return;
  last_input_ = now;
  const bytes_view expected = bytes_view(message_).subspan(matched_);
  const std::size_t length = std::min(expected.size(), from_peer.size());
  const auto [mine, theirs] =
      std::mismatch(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(length), from_peer.begin());
  matched_ += static_cast<std::size_t>(mine - expected.begin());
  if (theirs != from_peer.begin() + static_cast<std::ptrdiff_t>(length)) {
    outcome_ = differs(matched_, from_peer.subspan(static_cast<std::size_t>(theirs - from_peer.begin())));
  } else if (from_peer.size() > length) {
    outcome_ = too_long(message_.size() + from_peer.size() - length, message_.size());
  } else if (matched_ == message_.size()) {
    outcome_.emplace();
  }
}

void echo_client::eof(time_point) {
  if (outcome_) return;
  if (matched_ == 0)
    outcome_ = fail(errc::closed_by_peer, "the connection was closed without a reply");
  else
    outcome_ =
        fail(errc::peer_protocol, fmt::format("the connection ended after {} of {} octets", matched_, message_.size()));
}

void echo_client::tick(time_point now) {
  if (!deadline() || *deadline() > now) return;
  outcome_ = fail(errc::timed_out, matched_ == 0 ? fmt::format("no reply within {}", to_string(timeout_))
                                                 : fmt::format("{} of {} octets, then silence for {}", matched_,
                                                               message_.size(), to_string(timeout_)));
}

std::optional<time_point> echo_client::deadline() const {
  if (outcome_) return std::nullopt;
  return last_input_ + timeout_;
}

}  // namespace netlab::simple
