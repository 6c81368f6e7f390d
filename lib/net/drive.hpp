// SPDX-License-Identifier: MIT
// The one loop that runs a session machine over a stream.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/machine.hpp"
#include "net/asio.hpp"

namespace netlab::net {

struct drive_options {
  /// Nothing more is read while so many octets wait to be sent: a peer that asks without reading answers is
  /// held back by TCP's own window. A client, whose requests are bounded by itself, has no such limit: it
  /// must go on reading, or both ends would wait for each other.
  std::size_t max_unsent = SIZE_MAX;
  /// How long a done machine's last octets may make no progress.
  duration flush_time = std::chrono::milliseconds(200);
  /// After the last octet, how long the peer's input is still read and thrown away. Closing a socket with
  /// unread input sends a reset, and that destroys answers still on their way (RFC 1122 §4.2.2.13).
  duration linger_time = duration(0);
};

/// What a server gives each peer.
inline constexpr drive_options serving{
    .max_unsent = 256 * 1024, .flush_time = std::chrono::seconds(10), .linger_time = std::chrono::seconds(2)};

/// Runs one machine over one stream (tcp::socket, or a TLS stream over it) until the machine is done and
/// its last octets are sent, or the stream fails. Reads and writes go on at the same time. All calls come
/// from the stream's own thread.
template <class Stream>
class driver {
 public:
  driver(Stream& stream, machine& session, drive_options options)
      : stream_(stream),
        session_(session),
        options_(options),
        timer_(stream.get_executor()),
        ended_(stream.get_executor()) {
    ended_.expires_at(never);
  }
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  /// The error of the stream, if that is what ended it. A driver runs once. Leaves the stream open.
  [[nodiscard]] asio::awaitable<std::error_code> run() {
    running_ = true;
    advance();
    // Handlers refer to this object: not one of them may be left when run() returns.
    while (phase_ != phase::ended || reading_ || writing_ || timing_) {
      const auto [error] = co_await ended_.async_wait(use_tuple);
      static_cast<void>(error);
      const auto cancelled = co_await asio::this_coro::cancellation_state;
      if (cancelled.cancelled() != asio::cancellation_type::none && phase_ != phase::ended) {
        end(asio::error::operation_aborted);
        co_await asio::this_coro::reset_cancellation_state();
      }
    }
    co_return error_;
  }

  /// The machine was changed from outside: looks for output, deadlines and done() again.
  void poke() {
    if (running_) advance();
  }

  /// The machine shall finish what the peer has begun. What lies unread in the socket counts as begun.
  void stop() {
    stopping_ = true;
    poke();
  }

  /// Ends now, whatever is under way.
  void abort() { end(asio::error::operation_aborted); }

 private:
  enum class phase : std::uint8_t { running, flushing, lingering, ended };

  void advance() {
    if (phase_ == phase::ended) return;
    if (phase_ == phase::running) {
      if (stopping_ && !stop_passed_on_ && !has_unread_input()) {
        stop_passed_on_ = true;
        session_.stop(clock::now());
      }
      collect_output();
      if (session_.done()) {
        phase_ = phase::flushing;
        flush_deadline_ = clock::now() + options_.flush_time;
      }
    }
    if (!unsent_.empty() && !writing_) start_write();
    if (phase_ == phase::flushing && unsent_.empty() && !writing_) start_lingering();
    if (phase_ == phase::ended) return;
    const bool wants_input =
        phase_ == phase::lingering || (phase_ == phase::running && unsent_.size() < options_.max_unsent);
    if (wants_input && !reading_ && !read_ended_) start_read();
    if (phase_ == phase::lingering && read_ended_) return end({});
    arm_timer();
  }

  [[nodiscard]] bool has_unread_input() {
    std::error_code error;
    return !read_ended_ && stream_.lowest_layer().available(error) > 0 && !error;
  }

  void collect_output() {
    bytes output = session_.take_output();
    if (unsent_.empty())
      unsent_ = std::move(output);
    else
      append(unsent_, bytes_view(output));
  }

  void start_read() {
    reading_ = true;
    if (input_.empty()) input_.resize(first_read_size);
    stream_.async_read_some(asio::buffer(input_), [this](std::error_code error, std::size_t size) {
      reading_ = false;
      if (phase_ == phase::ended) return notify();
      if (error == asio::error::eof) {
        read_ended_ = true;
        if (phase_ == phase::running) session_.eof(clock::now());
      } else if (error) {
        return end(error);
      } else if (phase_ == phase::running) {
        session_.feed(bytes_view(input_).first(size), clock::now());
        // Most sessions are small talk; a buffer grows only for the peer that fills it.
        if (size == input_.size() && size < largest_read_size) input_.resize(size * 4);
      }
      advance();
    });
  }

  void start_write() {
    writing_ = true;
    sending_.clear();
    std::swap(sending_, unsent_);
    sent_ = 0;
    write_more();
  }

  void write_more() {
    stream_.async_write_some(asio::buffer(sending_) + sent_, [this](std::error_code error, std::size_t size) {
      if (phase_ == phase::ended || error) {
        writing_ = false;
        return phase_ == phase::ended ? notify() : end(error);
      }
      sent_ += size;
      if (phase_ == phase::flushing) flush_deadline_ = clock::now() + options_.flush_time;
      if (sent_ < sending_.size()) return write_more();
      writing_ = false;
      advance();
    });
  }

  void start_lingering() {
    if (options_.linger_time == duration(0)) return end({});
    std::error_code error;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, error);
    if (error) return end({});
    phase_ = phase::lingering;
    flush_deadline_ = clock::now() + options_.linger_time;
  }

  void arm_timer() {
    time_point wanted = flush_deadline_;
    if (phase_ == phase::running) wanted = earlier(never, session_.deadline());
    // A deadline that moves on, as an idle timeout does with every request, is looked at when the old one
    // comes: no timer is touched for it.
    if (wanted == never || (timing_ && armed_for_ <= wanted)) return;
    armed_for_ = wanted;
    timer_.expires_at(wanted);  // cancels the wait before, if any
    ++waits_;
    timing_ = true;
    timer_.async_wait([this](std::error_code) {
      if (--waits_ > 0) return;
      timing_ = false;
      if (phase_ == phase::ended) return notify();
      const time_point now = clock::now();
      if (phase_ == phase::running) {
        if (earlier(never, session_.deadline()) <= now) session_.tick(now);
      } else if (flush_deadline_ <= now) {
        return end(phase_ == phase::lingering ? std::error_code() : asio::error::timed_out);
      }
      advance();
    });
  }

  void end(std::error_code error) {
    if (phase_ == phase::ended) return;
    phase_ = phase::ended;
    error_ = error;
    std::error_code ignored;
    timer_.cancel();
    if (reading_ || writing_) stream_.lowest_layer().cancel(ignored);
    notify();
  }

  void notify() { ended_.cancel(); }

  static constexpr std::size_t first_read_size = 2 * 1024;
  static constexpr std::size_t largest_read_size = 128 * 1024;

  Stream& stream_;
  machine& session_;
  drive_options options_;
  asio::steady_timer timer_;
  asio::steady_timer ended_;  // never expires; cancelled to wake run()
  bytes input_;
  bytes unsent_;
  bytes sending_;
  std::size_t sent_ = 0;
  time_point armed_for_ = never;
  time_point flush_deadline_ = never;
  std::error_code error_;
  int waits_ = 0;
  phase phase_ = phase::running;
  bool running_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool timing_ = false;
  bool read_ended_ = false;
  bool stopping_ = false;
  bool stop_passed_on_ = false;
};

}  // namespace netlab::net
