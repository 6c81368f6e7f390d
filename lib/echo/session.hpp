// SPDX-License-Identifier: MIT
// The echo protocol's server side over TCP (RFC 862): everything comes back until the peer ends.
#pragma once

#include "base/machine.hpp"

#include <utility>

namespace netlab::echo {

class session final : public machine {
 public:
  /// `idle_timeout`: how long a peer may say nothing; 0: for ever.
  session(duration idle_timeout, time_point now) : idle_timeout_(idle_timeout), since_(now), last_input_(now) {}

  void feed(bytes_view from_peer, time_point now) override {
    if (done_) return;
    append(output_, from_peer);
    octets_ += from_peer.size();
    last_input_ = now;
  }
  void eof(time_point) override { done_ = true; }
  void tick(time_point now) override {
    if (deadline() && *deadline() <= now) done_ = true;
  }
  bytes take_output() override { return std::exchange(output_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override {
    if (idle_timeout_ == duration(0) || done_) return std::nullopt;
    return last_input_ + idle_timeout_;
  }
  [[nodiscard]] bool done() const override { return done_; }
  void stop(time_point) override { done_ = true; }

  /// What the peer has sent so far.
  [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }
  /// When it began.
  [[nodiscard]] time_point since() const noexcept { return since_; }

 private:
  duration idle_timeout_;
  time_point since_;
  time_point last_input_;
  bytes output_;
  std::uint64_t octets_ = 0;
  bool done_ = false;
};

}  // namespace netlab::echo
