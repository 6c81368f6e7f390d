// SPDX-License-Identifier: MIT
// The character generator over TCP (RFC 864): sends lines of text as long as the peer reads them.
#pragma once

#include <string_view>

#include "base/visit.hpp"

namespace netlab::simple {

/// 95 lines, each with 72 of the 95 printing characters and starting one character further on; then the pattern
/// repeats.
[[nodiscard]] std::string_view chargen_pattern();

/// take_output() always returns one more repetition of the pattern. A driver asks for more when it has sent the last
/// one, so TCP's flow control holds back a session whose peer does not read. Input is discarded, and its end does not
/// end the session: the peer may still read.
class chargen_session final : public visit {
 public:
  /// `idle_timeout`: a peer that has read nothing during this time is disconnected; 0: never.
  chargen_session(duration idle_timeout, time_point now);

  void feed(bytes_view, time_point) override {}
  void eof(time_point) override {}
  void tick(time_point now) override;
  bytes take_output() override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return done_; }
  void stop(time_point) override { done_ = true; }

 private:
  duration idle_timeout_;
  time_point next_check_;
  bool has_sent_ = true;  // since the last check: the driver has asked for more
  bool done_ = false;
};

}  // namespace netlab::simple
