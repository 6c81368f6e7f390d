// SPDX-License-Identifier: MIT
// The echo protocol's client side (RFC 862): the reply must equal the message.
#pragma once

#include <optional>

#include "base/machine.hpp"
#include "base/result.hpp"

namespace netlab::simple {

/// Compares a complete reply with the message. Fails with errc::peer_protocol and the first difference.
[[nodiscard]] result<void> compare_echo(bytes_view sent, bytes_view reply);

/// Over TCP. Done when as many octets have arrived as were sent, at the first difference, when the peer closes, or when
/// nothing has arrived for `timeout`.
class echo_client final : public machine {
 public:
  echo_client(bytes message, duration timeout, time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  bytes take_output() override { return std::exchange(output_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return outcome_.has_value(); }

  /// Success, or errc::peer_protocol, errc::closed_by_peer, errc::timed_out. Call it after done().
  [[nodiscard]] const result<void>& outcome() const { return *outcome_; }
  /// The part of the reply that was correct.
  [[nodiscard]] bytes_view reply() const noexcept { return bytes_view(message_).first(matched_); }

 private:
  bytes message_;
  bytes output_;
  std::size_t matched_ = 0;
  duration timeout_;
  time_point last_input_;
  std::optional<result<void>> outcome_;
};

}  // namespace netlab::simple
