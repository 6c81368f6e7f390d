// SPDX-License-Identifier: MIT
// The client's side of one TCP connection: sends requests, and checks the answers in the same order.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "base/result.hpp"
#include "calc/wire.hpp"

namespace netlab::calc {

/// The result of one request.
struct outcome {
  std::uint64_t tag = 0;        ///< chosen by the caller
  request asked;
  result<std::int32_t> value;   ///< checked; the failure says what was wrong
  duration elapsed{0};          ///< from submit() to the answer
};

/// Done when close() was called and no request is outstanding, when the peer does not speak the protocol, or when it
/// has closed the connection. Then take_unanswered() returns the unanswered requests.
class client final : public machine {
 public:
  /// `timeout`: the longest time to an answer, from its submit() or from the answer before, whichever is later.
  client(byte_order order, duration timeout) : order_(order), timeout_(timeout) {}

  void submit(std::uint64_t tag, request asked, time_point now);
  /// No more requests will be submitted.
  void close();

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  bytes take_output() override { return std::exchange(output_, {}); }
  /// What has become of requests since the last call, in order; each outcome is returned once.
  [[nodiscard]] std::vector<outcome> take_outcomes() { return std::exchange(outcomes_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return ended_ || (closing_ && outstanding_.empty()); }

  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_.size(); }
  /// The number of correct answers on this connection.
  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

  struct unanswered {
    std::uint64_t tag = 0;
    request asked;
  };
  /// Returns them once, in order; call it after done().
  [[nodiscard]] std::vector<unanswered> take_unanswered();

 private:
  struct waiting {
    std::uint64_t tag;
    request asked;
    time_point since;
  };
  void finish_first(result<std::int32_t> value, time_point now);
  void fail_first(failure why, time_point now);

  byte_order order_;
  duration timeout_;
  std::deque<waiting> outstanding_;
  bytes input_;  // less than an answer, or the input that ended the session
  bytes output_;
  std::vector<outcome> outcomes_;
  time_point waiting_since_{};
  std::uint64_t answers_ = 0;
  bool closing_ = false;
  bool ended_ = false;
};

}  // namespace netlab::calc
