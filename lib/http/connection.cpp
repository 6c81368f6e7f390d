// SPDX-License-Identifier: MIT
#include "http/connection.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace netlab::http {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";
// Requests that follow one that is being answered; a browser sends none.
constexpr std::size_t max_waiting = max_head + max_body;

}  // namespace

connection::connection(connection_limits limits, std::vector<name_value> common_fields, time_point now)
    : limits_(limits), common_fields_(std::move(common_fields)), now_(now), deadline_(now + limits.request_time) {}

void connection::feed(bytes_view from_peer, time_point now) {
  if (state_ == state::closed || state_ == state::streaming) return;  // nothing is expected from a stream's reader
  now_ = now;
  const bool was_idle = is_idle();
  input_ += as_text(from_peer);
  read(now);
  // Empty lines do not begin a request, so they do not move the deadline.
  if (was_idle && !is_idle()) deadline_ = now + limits_.request_time;
  if (input_.size() <= max_waiting) return;
  if (state_ == state::answering) return refuse({400, "too many pipelined requests"}, now);
  if (state_ == state::sending) close();
}

bool connection::is_idle() const noexcept {
  return state_ == state::head && (input_.empty() || input_ == line_end.substr(0, 1));
}

void connection::close() noexcept {
  state_ = state::closed;
  shared_.reset();
  input_.clear();
}

void connection::read(time_point now) {
  if (state_ == state::head && is_held()) return;
  if (state_ == state::head) {
    // RFC 9112 §2.2: an empty line before a request does not count.
    std::size_t blank = 0;
    while (std::string_view(input_).substr(blank).starts_with(line_end)) blank += line_end.size();
    input_.erase(0, blank);
    const std::size_t end = input_.find(head_end, searched_ - std::min(searched_, head_end.size() - 1));
    if (end == std::string::npos || end + head_end.size() > max_head) {
      searched_ = input_.size();
      if (input_.size() > max_head) return refuse({431, "the head is larger than 8 KiB"}, now);
      // A head with a line end without CR never becomes valid, so refuse it at once.
      if (const std::size_t lf = input_.find('\n'); lf != std::string::npos && (lf == 0 || input_[lf - 1] != '\r'))
        return refuse({400, "a line does not end in CR LF"}, now);
      return;
    }
    searched_ = 0;
    const std::string head = input_.substr(0, end + head_end.size());
    input_.erase(0, head.size());
    auto parsed = parse_head(head);
    if (!parsed) return refuse(parsed.error(), now);
    request_ = std::move(*parsed);
    is_head_ = request_->method == method::head;
    keeps_alive_ = request_->keeps_alive;
    if (request_->expects_continue && input_.size() < request_->body_size) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
    state_ = state::body;
  }
  if (state_ == state::body && input_.size() >= request_->body_size) {
    request_->body = input_.substr(0, request_->body_size);
    input_.erase(0, request_->body_size);
    state_ = state::answering;
    is_taken_ = false;
  }
}

std::optional<request> connection::take_request() {
  if (state_ != state::answering || is_taken_) return std::nullopt;
  is_taken_ = true;
  return std::exchange(request_, std::nullopt);
}

void connection::respond(response answer, time_point now) {
  if (state_ != state::answering) return;
  answer.fields.insert(answer.fields.end(), common_fields_.begin(), common_fields_.end());
  keeps_alive_ = keeps_alive_ && !stopping_ && !answer.is_stream && !answer.shared_body;
  output_ += head_of(answer, keeps_alive_);
  if (answer.is_stream) {
    state_ = is_head_ ? state::closed : state::streaming;
    input_.clear();
    return;
  }
  if (is_head_) return finish(now);
  if (answer.shared_body) {
    shared_ = std::move(answer.shared_body);
    shared_sent_ = 0;
    state_ = state::sending;
    deadline_ = now + limits_.request_time;
    return;
  }
  output_ += answer.body;
  finish(now);
}

void connection::finish(time_point now) {
  if (!keeps_alive_ || (input_ended_ && input_.empty())) {
    state_ = state::closed;
    return;
  }
  state_ = state::head;
  deadline_ = now + (input_.empty() ? limits_.idle_time : limits_.request_time);
  read_next(now);
}

void connection::read_next(time_point now) {
  read(now);
  if (input_ended_ && (state_ == state::head || state_ == state::body) && !is_held()) state_ = state::closed;
}

void connection::refuse(const refusal& why, time_point now) {
  response answer{.status = why.status, .type = "text/plain; charset=utf-8"};
  answer.body = fmt::format("{} {}: {}\n", why.status, phrase_of(why.status), why.reason);
  state_ = state::answering;
  is_head_ = false;
  keeps_alive_ = false;
  input_.clear();
  respond(std::move(answer), now);
}

void connection::stream(std::string_view text) {
  if (state_ == state::streaming) output_ += text;
}

bytes connection::take_output() {
  if (state_ == state::sending && output_.size() < limits_.slice) {
    const std::string_view piece = std::string_view(*shared_).substr(shared_sent_, limits_.slice);
    output_ += piece;
    shared_sent_ += piece.size();
    if (shared_sent_ == shared_->size()) {
      shared_.reset();
      state_ = state::closed;
    }
  }
  bytes taken;
  append(taken, output_);
  output_.clear();
  if (state_ == state::head && !input_.empty()) read_next(now_);
  return taken;
}

void connection::sent(time_point now) {
  now_ = now;
  if (state_ == state::head && is_held()) deadline_ = now + limits_.request_time;
  if (is_idle()) deadline_ = now + limits_.idle_time;
  if (state_ == state::sending) deadline_ = now + limits_.request_time;
}

void connection::eof(time_point) {
  input_ended_ = true;
  if (((state_ == state::head || state_ == state::body) && !is_held()) || state_ == state::streaming)
    state_ = state::closed;
}

std::optional<time_point> connection::deadline() const {
  if (state_ == state::head || state_ == state::body || state_ == state::sending) return deadline_;
  return std::nullopt;
}

void connection::tick(time_point now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  // An error response would become a part of the body that is being sent.
  if (state_ == state::sending || is_idle()) return close();
  refuse({408, "the request did not arrive in time"}, now);
}

void connection::stop(time_point) {
  stopping_ = true;
  if (state_ == state::streaming || is_idle()) close();
}

}  // namespace netlab::http
