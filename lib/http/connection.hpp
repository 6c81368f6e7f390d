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
  /// For a complete request to arrive, and for a peer to read more of a large response.
  duration request_time = std::chrono::seconds(10);
  duration idle_time = std::chrono::seconds(30);     ///< between two requests
  /// Octets of a shared body that are handed over at once. While that much output waits, further requests wait, too.
  std::size_t slice = 64 * 1024;
};

/// After each call, including take_output(), the owner calls take_request() and, if there is a request, respond(). The
/// machine itself answers `Expect: 100-continue`, and a malformed request: with an error status, then it closes.
class connection final : public machine {
 public:
  /// `common_fields`: header fields of all responses, also of errors.
  connection(connection_limits limits, std::vector<name_value> common_fields, time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  [[nodiscard]] bytes take_output() override;
  void sent(time_point now) override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return state_ == state::closed; }
  /// Ends a stream and an idle connection at once.
  void stop(time_point now) override;

  /// The next complete request, handed over once.
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
  /// Requests that have arrived wait until enough output has been sent.
  [[nodiscard]] bool is_held() const noexcept { return !input_.empty() && output_.size() >= limits_.slice; }
  void read(time_point now);
  void read_next(time_point now);
  void refuse(const refusal& why, time_point now);
  void finish(time_point now);
  void close() noexcept;

  connection_limits limits_;
  std::vector<name_value> common_fields_;
  state state_ = state::head;
  std::string input_;
  std::string output_;
  std::size_t searched_ = 0;       // the first octets of input_, in which the head does not end
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
