// SPDX-License-Identifier: MIT
// The one loop that runs a session machine over a stream.
#pragma once

#include <sys/ioctl.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include "base/machine.hpp"
#include "net/asio.hpp"

namespace netlab::net {

struct drive_options {
  /// While so many octets wait to be sent, nothing is taken from a machine that is not done.
  std::size_t max_unsent = 64 * 1024;
  /// Nor is more read then, or handed to the machine: a peer that asks without reading answers is held back by TCP's
  /// own window. A client, whose requests are bounded by itself, must go on reading, or both ends would wait for each
  /// other.
  bool holds_back = false;
  /// The largest piece handed to the machine at once; max_unsent is looked at between two.
  std::size_t max_feed = SIZE_MAX;
  /// How long sending may make no progress while it is all that is waited for.
  duration flush_time = std::chrono::milliseconds(200);
  /// After the peer has acknowledged the last octet, how long its input is still read and thrown away. Closing a
  /// socket with unread input sends a reset, and that destroys answers still on their way (RFC 1122 §4.2.2.13).
  duration linger_time = duration(0);
  /// What was sent is overwritten in memory: there may be passwords in it.
  bool wipe = false;
  /// Acknowledges what was read at once while there is nothing to send (TCP_QUICKACK). Several short answers of a peer
  /// without TCP_NODELAY leave one by one, each when the one before is acknowledged (Nagle's algorithm, RFC 1122
  /// §4.2.3.4), and that the system delays by 40 ms, in the hope that it can ride on output.
  bool quick_acks = false;
};

/// What a server gives each peer. `help` is the shortest request with a long answer, some 100 octets for 1, so that
/// 4 KiB of input cannot make more than some 400 KiB of output.
inline constexpr drive_options serving{.max_unsent = 256 * 1024,
                                       .holds_back = true,
                                       .max_feed = 4 * 1024,
                                       .flush_time = std::chrono::seconds(10),
                                       .linger_time = std::chrono::seconds(2)};

/// For a service that lets idle peers go, after a time above 0: who takes nothing is no less idle than who says
/// nothing.
[[nodiscard]] constexpr drive_options serving_for(duration idle_timeout) {
  drive_options options = serving;
  if (idle_timeout > duration(0)) options.flush_time = std::min(options.flush_time, idle_timeout);
  return options;
}

/// The loop of a driver. Handlers that are queued keep it alive.
template <class Stream>
class drive_loop : public std::enable_shared_from_this<drive_loop<Stream>> {
 public:
  drive_loop(Stream& stream, machine& session, drive_options options)
      : stream_(stream),
        session_(session),
        options_(options),
        timer_(stream.get_executor()),
        ended_(stream.get_executor()) {
    ended_.expires_at(never);
  }
  drive_loop(const drive_loop&) = delete;
  drive_loop& operator=(const drive_loop&) = delete;

  [[nodiscard]] asio::awaitable<std::error_code> run() {
    running_ = true;
    guarded([this] { advance(); });
    // Handlers refer to the stream: not one of them may be left when run() returns.
    while (phase_ != phase::ended || has_queued()) {
      const auto [error] = co_await ended_.async_wait(use_tuple);
      static_cast<void>(error);
      const auto cancelled = co_await asio::this_coro::cancellation_state;
      if (cancelled.cancelled() != asio::cancellation_type::none && phase_ != phase::ended) {
        end(asio::error::operation_aborted);
        co_await asio::this_coro::reset_cancellation_state();
      }
    }
    if (thrown_) std::rethrow_exception(thrown_);
    co_return error_;
  }

  void poke() {
    if (!running_) return;
    guarded([this] {
      if (phase_ == phase::running) session_.resume(clock::now());
      advance();
    });
  }

  void stop() {
    stopping_ = true;
    poke();
  }

  void abort() {
    guarded([this] {
      if (running_ && phase_ == phase::running) {
        session_.cut_off(clock::now());
        if (session_.done()) {
          options_.flush_time = std::min(options_.flush_time, last_words_time);
          options_.linger_time = std::min(options_.linger_time, last_words_time);
          return advance();
        }
      }
      end(asio::error::operation_aborted);
    });
  }

  /// Nothing of the stream's or the machine's is touched any more, but for what is queued. `owner` lives until that has
  /// run.
  void drop(std::shared_ptr<void> owner) {
    end(asio::error::operation_aborted);
    if (has_queued()) owner_ = std::move(owner);
  }

 private:
  enum class phase : std::uint8_t { running, flushing, lingering, ended };

  [[nodiscard]] bool has_queued() const noexcept { return reading_ || writing_ || waits_ > 0 || settling_; }

  /// What throws here must not leave: handlers that refer to the stream may be queued.
  template <class Act>
  void guarded(Act act) noexcept {
    try {
      act();
    } catch (...) {
      thrown_ = std::current_exception();
      end(std::make_error_code(std::errc::not_enough_memory));
      notify();
    }
  }

  /// An operation is under way once `start()` has returned.
  template <class Start>
  static void initiate(bool& under_way, Start start) {
    under_way = true;
    try {
      start();
    } catch (...) {
      under_way = false;
      throw;
    }
  }

  void advance() {
    if (phase_ == phase::ended) return;
    if (phase_ == phase::running) {
      feed();
      if (stopping_ && !stop_passed_on_ && fed_ == arrived_ && !has_unread_input()) {
        if (reading_ && settled_reads_ != reads_) {
          settle();
        } else {
          stop_passed_on_ = true;
          session_.stop(clock::now());
        }
      }
      collect_output();
      if (session_.done() || (session_.wants_tls() && fed_ == arrived_)) {
        phase_ = phase::flushing;
        progress_ = clock::now();
      }
    }
    if (!unsent_.empty() && !writing_) start_write();
    if (phase_ == phase::flushing && unsent_.empty() && !writing_) start_lingering();
    if (phase_ == phase::ended) return;
    const bool wants_input = phase_ == phase::lingering ||
                             (phase_ == phase::running && fed_ == arrived_ && !is_held_back() && !session_.busy());
    if (wants_input && !reading_ && !read_ended_) start_read();
    if (phase_ == phase::lingering && read_ended_) return end({});
    arm_timer();
  }

  [[nodiscard]] bool has_enough_to_send() const noexcept {
    return unsent_.size() + sending_.size() - sent_ >= options_.max_unsent;
  }
  /// The peer has so much to read that it is not listened to.
  [[nodiscard]] bool is_held_back() const noexcept { return options_.holds_back && has_enough_to_send(); }

  [[nodiscard]] bool has_unread_input() {
    std::error_code error;
    return !read_ended_ && stream_.lowest_layer().available(error) > 0 && !error;
  }

  /// A read may have taken octets from the socket while its handler is still queued. It has run when everything that
  /// was queued before has; twice, because what is taken in the turn between is queued behind the first.
  void settle() {
    if (settling_) return;
    const auto executor = stream_.get_executor();
    const auto settled = [this, self = this->shared_from_this(), before = reads_] {
      settling_ = false;
      settled_reads_ = before;
      if (phase_ == phase::ended) return notify();
      guarded([this] { advance(); });
    };
    initiate(settling_, [&] {
      asio::post(executor, [this, self = this->shared_from_this(), executor, settled] {
        guarded([&] { initiate(settling_, [&] { asio::post(executor, settled); }); });
      });
    });
  }

  /// What has arrived goes to the machine, as far as there is room for what it will say.
  void feed() {
    while (fed_ < arrived_ && !is_held_back() && !session_.done() && !session_.busy()) {
      const std::size_t size = std::min(options_.max_feed, arrived_ - fed_);
      session_.feed(bytes_view(input_).subspan(fed_, size), clock::now());
      fed_ += size;
      collect_output();
    }
  }

  void collect_output() {
    // A machine that always has more to say is not asked for it meanwhile.
    if (has_enough_to_send() && !session_.done() && !session_.wants_tls()) return;
    bytes output = session_.take_output();
    if (output.empty()) return;
    if (unsent_.empty()) {
      unsent_ = std::move(output);
      return;
    }
    append(unsent_, bytes_view(output));
    if (options_.wipe) ::explicit_bzero(output.data(), output.size());
  }

  void start_read() {
    // Most sessions are small talk; a buffer grows only for the peer that fills it.
    if (input_.empty())
      input_.resize(first_read_size);
    else if (arrived_ == input_.size() && arrived_ < largest_read_size)
      input_.resize(arrived_ * 4);
    arrived_ = fed_ = 0;
    initiate(reading_, [this] {
      stream_.async_read_some(asio::buffer(input_),
                              [this, self = this->shared_from_this()](std::error_code error, std::size_t size) {
                                reading_ = false;
                                ++reads_;
                                if (phase_ == phase::ended) return notify();
                                guarded([&] { have_read(error, size); });
                              });
    });
  }

  void have_read(std::error_code error, std::size_t size) {
    if (error == asio::error::eof) {
      read_ended_ = true;
      if (phase_ == phase::running) session_.eof(clock::now());
    } else if (error) {
      return end(error);
    } else {
      arrived_ = size;
    }
    advance();
    if (options_.quick_acks && phase_ != phase::ended && unsent_.empty() && !writing_) acknowledge_input();
  }

  /// Once: the option is reset by the traffic that follows (tcp(7)).
  void acknowledge_input() {
    const int on = 1;
    ::setsockopt(stream_.lowest_layer().native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }

  void start_write() {
    std::swap(sending_, unsent_);
    progress_ = clock::now();
    write_more();
  }

  void write_more() {
    initiate(writing_, [this] {
      stream_.async_write_some(asio::buffer(sending_) + sent_,
                               [this, self = this->shared_from_this()](std::error_code error, std::size_t size) {
                                 writing_ = false;
                                 if (phase_ == phase::ended) return notify();
                                 guarded([&] { have_written(error, size); });
                               });
    });
  }

  void have_written(std::error_code error, std::size_t size) {
    if (error) return end(error);
    sent_ += size;
    progress_ = clock::now();
    if (phase_ == phase::running) session_.sent(progress_);
    if (sent_ < sending_.size()) return write_more();
    sent_ = 0;
    if (options_.wipe) ::explicit_bzero(sending_.data(), sending_.size());
    sending_.clear();
    if (sending_.capacity() > largest_read_size) sending_.shrink_to_fit();
    advance();
  }

  void start_lingering() {
    if (options_.linger_time == duration(0) || session_.wants_tls()) return end({});
    unacknowledged_ = count_unacknowledged();
    std::error_code error;
    if constexpr (requires { stream_.close_notify(); })
      stream_.close_notify();
    else
      stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, error);
    if (error) return end({});
    phase_ = phase::lingering;
    progress_ = clock::now();
    linger_until_ = progress_ + (unacknowledged_ > 0 ? look_again_time : options_.linger_time);
  }

  /// Octets that the peer's system has not taken yet (SIOCOUTQ, tcp(7)).
  [[nodiscard]] int count_unacknowledged() {
    int octets = 0;
    if (::ioctl(stream_.lowest_layer().native_handle(), SIOCOUTQ, &octets) != 0) return 0;
    return octets;
  }

  /// Whether a peer that is slow to take the last octets, or has only just got them, has more time.
  [[nodiscard]] bool linger_on(time_point now) {
    if (unacknowledged_ == 0) return false;
    const int left = count_unacknowledged();
    if (left < std::exchange(unacknowledged_, left)) progress_ = now;
    if (left > 0 && now >= progress_ + options_.flush_time) return false;
    linger_until_ = now + (left > 0 ? look_again_time : options_.linger_time);
    return true;
  }

  [[nodiscard]] time_point next_deadline() const {
    switch (phase_) {
      case phase::running: {
        const auto wanted = session_.deadline();
        if (!wanted) return never;
        // What a machine waits for cannot come while its peer is held back: then only sending has to go on.
        return is_held_back() ? std::max(*wanted, progress_ + options_.flush_time) : *wanted;
      }
      case phase::flushing: return progress_ + options_.flush_time;
      case phase::lingering: return linger_until_;
      case phase::ended: break;
    }
    return never;
  }

  void arm_timer() {
    const time_point wanted = next_deadline();
    // A deadline that moves on, as an idle timeout does with every request, is looked at when the old one
    // comes: no timer is touched for it.
    if (wanted == never || (waits_ > 0 && armed_for_ <= wanted)) return;
    armed_for_ = wanted;
    timer_.expires_at(wanted);  // cancels the wait before, if any
    timer_.async_wait([this, self = this->shared_from_this()](std::error_code) {
      if (--waits_ > 0) return;
      if (phase_ == phase::ended) return notify();
      guarded([this] { have_waited(clock::now()); });
    });
    ++waits_;
  }

  void have_waited(time_point now) {
    if (next_deadline() <= now) {
      // It is the peer that keeps the machine waiting, not the other way round.
      if (phase_ == phase::running && is_held_back() && now >= progress_ + options_.flush_time)
        return end(asio::error::timed_out);
      if (phase_ == phase::running) session_.tick(now);
      if (phase_ == phase::flushing) return end(asio::error::timed_out);
      if (phase_ == phase::lingering && !linger_on(now)) return end({});
    }
    advance();
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

  void notify() {
    ended_.cancel();
    if (!has_queued()) owner_.reset();
  }

  /// How often it is asked whether the peer has acknowledged everything, of which no event tells.
  static constexpr duration look_again_time = std::chrono::milliseconds(100);
  static constexpr duration last_words_time = std::chrono::seconds(1);
  static constexpr std::size_t first_read_size = 2 * 1024;
  static constexpr std::size_t largest_read_size = 128 * 1024;

  Stream& stream_;
  machine& session_;
  drive_options options_;
  asio::steady_timer timer_;
  asio::steady_timer ended_;  // never expires; cancelled to wake run()
  std::shared_ptr<void> owner_;
  bytes input_;
  bytes unsent_;
  bytes sending_;
  std::size_t arrived_ = 0;  // octets in input_
  std::size_t fed_ = 0;  // of them, handed to the machine
  std::size_t sent_ = 0;  // octets of sending_
  time_point armed_for_ = never;
  time_point progress_{};  // when sending last went on
  time_point linger_until_{};
  int unacknowledged_ = 0;
  std::error_code error_;
  std::exception_ptr thrown_;
  std::uint64_t reads_ = 0;  // finished
  std::uint64_t settled_reads_ = UINT64_MAX;  // so many were finished when nothing else was queued
  int waits_ = 0;  // of timer_, not all of them for armed_for_
  phase phase_ = phase::running;
  bool running_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool read_ended_ = false;
  bool stopping_ = false;
  bool settling_ = false;
  bool stop_passed_on_ = false;
};

/// Runs one machine over one stream (tcp::socket, or a TLS stream over it) until the machine is done, or wants TLS, and
/// its last octets are sent, or the stream fails. Reads and writes go on at the same time. All calls come
/// from the stream's own thread. Stream and machine outlive it.
template <class Stream>
class driver {
 public:
  driver(Stream& stream, machine& session, drive_options options)
      : loop_(std::make_shared<drive_loop<Stream>>(stream, session, options)) {}
  ~driver() { loop_->drop(nullptr); }
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  /// The error of the stream, if that is what ended it. A driver runs once. Leaves the stream open. What the machine or
  /// Asio throws (std::bad_alloc) ends it too, and leaves from here; then something of it may be queued, see outlive().
  [[nodiscard]] asio::awaitable<std::error_code> run() { return loop_->run(); }

  /// The machine was changed from outside, or what it is busy with may have come: it resumes, and its output, deadline
  /// and done() are looked at again.
  void poke() { loop_->poke(); }

  /// The machine shall finish what the peer has begun. What lies unread in the socket counts as begun.
  void stop() { loop_->stop(); }

  /// Ends now, whatever is under way; a machine that has last words has some time to be heard.
  void abort() { loop_->abort(); }

  /// After run() has thrown: `owner`, of the stream, lives until nothing of it is queued any more.
  void outlive(std::shared_ptr<void> owner) { loop_->drop(std::move(owner)); }

 private:
  std::shared_ptr<drive_loop<Stream>> loop_;
};

}  // namespace netlab::net
