// SPDX-License-Identifier: MIT
// The server's side of one HTTP/1 connection (RFC 9112): one request after the other, each answered by the owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

namespace netlab::http {

struct connection_limits {
  duration request_time = std::chrono::seconds(10);  ///< for a whole request, and for a reader to go on
  duration idle_time = std::chrono::seconds(30);     ///< between two requests
  std::size_t slice = 64 * 1024;  ///< also the octets of a shared body that are handed over at once
};

/// Owner's turn: after each call, also after take_output(), take_request(); if there is one, respond(). A request that
/// breaks the protocol gets its error status and ends the connection. Expect: 100-continue is answered by the machine.
class connection final : public machine {
 public:
  /// `always`: fields that each response gets, also an error.
  connection(connection_limits limits, std::vector<name_value> always, time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  [[nodiscard]] bytes take_output() override;
  void sent(time_point now) override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return state_ == state::closed; }
  /// Ends a stream and an idle connection at once.
  void stop(time_point now) override;

  /// The next whole request, once.
  [[nodiscard]] std::optional<request> take_request();
  /// Answers the request that was taken.
  void respond(response answer, time_point now);

  /// A response with is_stream has been given.
  [[nodiscard]] bool is_streaming() const noexcept { return state_ == state::streaming; }
  /// Appends to the stream.
  void stream(std::string_view text);

 private:
  enum class state : std::uint8_t {
    head,       ///< reading a head
    body,       ///< reading a body
    answering,  ///< the owner has the request, or will take it
    sending,    ///< a shared body
    streaming,
    closed,
  };

  /// Between two requests: at most empty lines have come (RFC 9112 §2.2).
  [[nodiscard]] bool is_idle() const noexcept;
  /// Requests that are here already wait, because too much is to be sent.
  [[nodiscard]] bool is_held() const noexcept { return !input_.empty() && output_.size() >= limits_.slice; }
  void read(time_point now);
  void read_next(time_point now);
  void refuse(const refusal& why, time_point now);
  void finish(time_point now);
  void close() noexcept;

  connection_limits limits_;
  std::vector<name_value> always_;
  state state_ = state::head;
  std::string input_;
  std::string output_;
  std::size_t searched_ = 0;       // no end of the head before
  std::optional<request> request_;
  bool is_taken_ = false;
  bool keeps_alive_ = true;
  bool is_head_ = false;           // the request's method is HEAD
  bool input_ended_ = false;
  bool stopping_ = false;
  std::shared_ptr<const std::string> shared_;
  std::size_t shared_sent_ = 0;
  time_point now_;  // of the last call
  time_point deadline_;
};

}  // namespace netlab::http
