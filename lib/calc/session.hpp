// SPDX-License-Identifier: MIT
// The server's side of one TCP connection: binary requests, or lines of text for Telnet users.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/line_buffer.hpp"
#include "base/machine.hpp"
#include "base/telnet.hpp"
#include "calc/evaluate.hpp"

namespace netlab::calc {

/// Reports what a session refuses. Called in the session's thread.
class session_observer {
 public:
  virtual ~session_observer() = default;
  /// A request without an answer; `why` is one line, safe to show.
  virtual void refused(std::string_view why) = 0;
};

struct session_parameters {
  byte_order order = byte_order::big;
  /// Runs from the last finished request (initially, from the connection) to the last octet of the next one, so that a
  /// peer that sends an octet now and then does not extend it. 0: no limit.
  duration idle_timeout = std::chrono::minutes(5);
};

/// Memory that the sessions of one thread share: a session borrows it while it is fed and while it holds an incomplete
/// request, so an idle session owns none, and a busy one allocates none.
class session_memory {
 public:
  /// The output of the session that was fed last; its owner sends it and clears it.
  bytes output;

 private:
  friend class session;
  /// Spare buffers kept for incomplete requests; when more come back, they are freed.
  static constexpr std::size_t most_spare = 64;

  void lend(bytes& to);
  void take_back(bytes& from);
  std::vector<bytes> spare_;  // each with room for the longest request
};

/// A connection is binary if its octets 4 to 6 are exactly an operation, else text. This is decided once, as early as
/// possible; a stream that ends before is text. A binary request without an answer ends the session after all earlier
/// requests have been answered; in text mode the answer is `error: …`.
class session final : public machine {
 public:
  /// The observer must outlive the session.
  session(session_parameters parameters, session_observer& observer, time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  /// The same for a server that runs many sessions: the output is appended to memory.output.
  void feed(bytes_view from_peer, time_point now, session_memory& memory);
  void eof(time_point now) override;
  void tick(time_point now) override;
  bytes take_output() override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return state_ == state::closed; }
  void stop(time_point now) override;

  /// True as soon as the peer has sent a binary request's operation. Then the output is never longer than the input.
  [[nodiscard]] bool is_binary() const noexcept { return state_ == state::binary; }
  /// The number of requests that were answered, binary or text.
  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

 private:
  enum class state : std::uint8_t { undecided, binary, text, closed };

  /// What only a connection of lines needs.
  struct text_mode {
    text_mode();
    telnet_filter telnet;
    line_buffer lines;
    bool lines_end_in_cr = false;  // the last line ended in CR, so answers do, too
  };

  [[nodiscard]] bytes_view decide(bytes_view from_peer);
  void enter_text(time_point now);
  void feed_binary(bytes_view from_peer, time_point now);
  [[nodiscard]] bytes_view complete_pending(bytes_view from_peer);
  [[nodiscard]] std::size_t answer_all(bytes_view input);
  void keep(bytes_view rest);
  void feed_text(bytes_view from_peer, time_point now);
  void read_lines(std::string_view text, time_point now);
  void answer_line(const line_buffer::line& line, time_point now);
  void say(std::string_view text);
  void close(std::string_view refused_because = {});
  void finished_request(time_point now);
  [[nodiscard]] bool holds_nothing() const noexcept { return pending_.empty() && (!text_ || text_->lines.empty()); }

  session_parameters parameters_;
  session_observer& observer_;
  state state_ = state::undecided;
  bool stopping_ = false;
  session_memory* memory_ = nullptr;  // while it is fed
  bytes pending_;  // less than a request; less than 7 octets while undecided
  bytes output_;
  std::unique_ptr<text_mode> text_;
  time_point last_request_;
  std::uint64_t answers_ = 0;
};

}  // namespace netlab::calc
