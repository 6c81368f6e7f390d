// SPDX-License-Identifier: MIT
// The character generator over TCP (RFC 864): lines of text for as long as somebody takes them.
#pragma once

#include <string_view>

#include "base/visit.hpp"

namespace netlab::small {

/// 95 lines of 72 of the 95 printing characters, each line beginning one character further on; then it is where it
/// began.
[[nodiscard]] std::string_view chargen_pattern();

/// Always has one more turn of the pattern to say, and hands it over when it is asked: a driver asks when what it had
/// has been sent, so a peer that does not read holds it back by TCP's window. What the peer says is thrown away, and
/// the end of that is not the end of the visit: it may still read.
class chargen_session final : public visit {
 public:
  /// `idle_timeout`: it looks again after so long whether more was asked for, and lets a peer go that has taken nothing
  /// since; 0: never.
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
  time_point looks_again_;
  bool was_asked_ = true;  // since it last looked
  bool done_ = false;
};

}  // namespace netlab::small
