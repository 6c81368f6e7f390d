// SPDX-License-Identifier: MIT
// The server's side of one TCP connection: binary requests, or lines of text for Telnet users.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/line_buffer.hpp"
#include "base/machine.hpp"
#include "base/telnet.hpp"
#include "calc/evaluate.hpp"

namespace netlab::calc {

/// Reports what a session does. Called in the session's thread.
class session_observer {
 public:
  virtual ~session_observer() = default;
  virtual void answered() = 0;
  /// A request without an answer; `why` is one line, safe to show.
  virtual void refused(std::string_view why) = 0;
};

struct session_parameters {
  byte_order order = byte_order::big;
  /// Runs from the last finished request (initially, from the connection) to the last octet of the next one, so that a
  /// peer that sends an octet now and then does not prolong it. 0: no limit.
  duration idle_timeout = std::chrono::minutes(5);
};

/// A connection is binary if its octets 4 to 6 are exactly an operation, else text. This is decided once, as early as
/// possible; a stream that ends before is text. A binary request without an answer ends the session after all earlier
/// requests have been answered; in text mode the answer is `error: …`.
class session final : public machine {
 public:
  /// The observer must outlive the session.
  session(session_parameters parameters, session_observer& observer, time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  bytes take_output() override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return state_ == state::closed; }
  void stop(time_point now) override;

 private:
  enum class state : std::uint8_t { undecided, binary, text, closed };

  void decide();
  void feed_binary(bytes_view from_peer, time_point now);
  std::size_t answer_one(bytes_view input, time_point now);
  void feed_text(bytes_view from_peer, time_point now);
  void read_lines(std::string_view text, time_point now);
  void answer_line(const line_buffer::line& line, time_point now);
  void say(std::string_view text);
  void close(std::string_view refused_because = {});
  void finished_request(time_point now);

  session_parameters parameters_;
  session_observer& observer_;
  state state_ = state::undecided;
  bytes pending_;  // less than a request; less than 7 octets while undecided
  bytes output_;
  telnet_filter telnet_;
  line_buffer lines_;
  bool lines_end_in_cr_ = false;  // the last line did, so answers do, too
  time_point last_request_;
  bool stopping_ = false;
};

}  // namespace netlab::calc
