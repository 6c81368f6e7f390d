// SPDX-License-Identifier: MIT
// The discard protocol over TCP (RFC 863): everything is thrown away until the peer ends.
#pragma once

#include "small/visit.hpp"

namespace netlab::small {

class discard_session final : public visit {
 public:
  /// `idle_timeout`: how long a peer may say nothing; 0: for ever.
  discard_session(duration idle_timeout, time_point now) : visit(now), idle_timeout_(idle_timeout), last_input_(now) {}

  void feed(bytes_view from_peer, time_point now) override {
    if (done_) return;
    count(from_peer.size());
    last_input_ = now;
  }
  void eof(time_point) override { done_ = true; }
  void tick(time_point now) override {
    if (deadline() && *deadline() <= now) done_ = true;
  }
  bytes take_output() override { return {}; }
  [[nodiscard]] std::optional<time_point> deadline() const override {
    if (idle_timeout_ == duration(0) || done_) return std::nullopt;
    return last_input_ + idle_timeout_;
  }
  [[nodiscard]] bool done() const override { return done_; }
  void stop(time_point) override { done_ = true; }

 private:
  duration idle_timeout_;
  time_point last_input_;
  bool done_ = false;
};

}  // namespace netlab::small
