// SPDX-License-Identifier: MIT
// The event loop that runs a session machine over a stream.
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
#include <functional>
#include <memory>
#include <utility>

#include "base/machine.hpp"
#include "net/asio.hpp"

namespace netlab::net {

struct drive_options {
  /// While this many octets wait to be sent, no output is taken from a machine that is not done.
  std::size_t max_unsent = 64 * 1024;
  /// Then also read and feed no more: TCP's receive window holds back a peer that sends requests without reading the
  /// answers. A client, which limits its own requests, must keep reading; otherwise both ends would wait for each
  /// other.
  bool holds_back = false;
  /// The most octets fed to the machine at once; max_unsent is checked after each piece.
  std::size_t max_feed = SIZE_MAX;
  /// The time that sending may make no progress while nothing else is waited for.
  duration flush_time = std::chrono::milliseconds(200);
  /// After the peer has acknowledged the last octet, its input is read and discarded for this long. Closing a socket
  /// with unread input sends a reset, which destroys answers that are still in transit (RFC 1122 §4.2.2.13).
  duration linger_time = duration(0);
  /// Overwrites sent octets in memory, because they may contain passwords.
  bool wipe = false;
  /// Acknowledges input at once while there is nothing to send (TCP_QUICKACK). A peer without TCP_NODELAY sends several
  /// short answers one by one, each after the acknowledgement of the one before (Nagle's algorithm, RFC 1122 §4.2.3.4);
  /// delayed acknowledgements would add 40 ms to each.
  bool quick_acks = false;
};

/// Options of a server. Its shortest request with a long answer is `help`, about 100 octets for 1, so 4 KiB of input
/// cannot cause more than about 400 KiB of output.
inline constexpr drive_options serving{.max_unsent = 256 * 1024,
                                       .holds_back = true,
                                       .max_feed = 4 * 1024,
                                       .flush_time = std::chrono::seconds(10),
                                       .linger_time = std::chrono::seconds(2)};

/// Options of a server with an idle timeout above 0: a peer that does not read counts as idle, too.
[[nodiscard]] constexpr drive_options serving_for(duration idle_timeout) {
  drive_options options = serving;
  if (idle_timeout > duration(0)) options.flush_time = std::min(options.flush_time, idle_timeout);
  return options;
}

/// The event loop of a driver. Queued handlers keep it alive.
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

  [[nodiscard]] asio::awaitable<std::error_code> run(std::function<void()> each_turn) {
    each_turn_ = std::move(each_turn);
    running_ = true;
    guarded([this] { advance(); });
    // Handlers refer to the stream, so none may be left when run() returns.
    while (phase_ != phase::ended || has_queued()) {
      const auto [error] = co_await ended_.async_wait(use_tuple);
      static_cast<void>(error);
      if (is_cancelled(co_await asio::this_coro::cancellation_state) && phase_ != phase::ended) {
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

  /// Stops using the stream and the machine, except in handlers already queued. `owner` lives until those have run.
  void drop(std::shared_ptr<void> owner) {
    end(asio::error::operation_aborted);
    if (has_queued()) owner_ = std::move(owner);
  }

 private:
  enum class phase : std::uint8_t { running, flushing, lingering, ended };

  [[nodiscard]] bool has_queued() const noexcept { return reading_ || writing_ || waits_ > 0 || settling_; }

  /// Catches all exceptions: handlers that refer to the stream may still be queued.
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

  /// Marks the operation as pending unless `start()` throws.
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
      // What the machine has is sent first: the owner's work takes time.
      if (each_turn_ && !unsent_.empty() && !writing_) start_write();
      if (stopping_ && !stop_passed_on_ && fed_ == arrived_ && !has_unread_input()) {
        if (reading_ && settled_reads_ != reads_) {
          settle();
        } else {
          stop_passed_on_ = true;
          session_.stop(clock::now());
        }
      }
      if (each_turn_) each_turn_();
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
  /// True if so much output waits to be sent that nothing is read from the peer.
  [[nodiscard]] bool is_held_back() const noexcept { return options_.holds_back && has_enough_to_send(); }

  [[nodiscard]] bool has_unread_input() {
    std::error_code error;
    return !read_ended_ && stream_.lowest_layer().available(error) > 0 && !error;
  }

  /// A read may have taken octets from the socket while its handler is still queued. Handlers run in order, so that one
  /// has run when a handler posted now runs. Post twice, because a read that completes in between is queued after the
  /// first.
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

  /// Feeds input to the machine until max_unsent octets wait to be sent.
  void feed() {
    while (fed_ < arrived_ && !is_held_back() && !session_.done() && !session_.busy()) {
      const std::size_t size = std::min(options_.max_feed, arrived_ - fed_);
      session_.feed(bytes_view(input_).subspan(fed_, size), clock::now());
      fed_ += size;
      collect_output();
    }
  }

  void collect_output() {
    // Do not ask a machine that can always produce more.
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
    // Most sessions are short; the buffer grows only for a peer that fills it.
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

  /// Call it after each read: the traffic that follows resets the option (tcp(7)).
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

  /// Octets that the peer's system has not acknowledged yet (SIOCOUTQ, tcp(7)).
  [[nodiscard]] int count_unacknowledged() {
    int octets = 0;
    if (::ioctl(stream_.lowest_layer().native_handle(), SIOCOUTQ, &octets) != 0) return 0;
    return octets;
  }

  /// True if a peer gets more time, because it is still receiving the last octets or has just acknowledged them.
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
        // While the peer is held back, the machine's input cannot arrive, so only sending has a deadline.
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
    // A deadline that moves later, as an idle timeout does with every request, is checked when the old one expires; the
    // timer is not set again.
    if (wanted == never || (waits_ > 0 && armed_for_ <= wanted)) return;
    armed_for_ = wanted;
    timer_.expires_at(wanted);  // cancels the previous wait
    timer_.async_wait([this, self = this->shared_from_this()](std::error_code) {
      if (--waits_ > 0) return;
      if (phase_ == phase::ended) return notify();
      guarded([this] { have_waited(clock::now()); });
    });
    ++waits_;
  }

  void have_waited(time_point now) {
    if (next_deadline() <= now) {
      // The peer does not read: end the connection instead of ticking the machine.
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

  /// Polling interval for unacknowledged octets, because no event reports the last acknowledgement.
  static constexpr duration look_again_time = std::chrono::milliseconds(100);
  static constexpr duration last_words_time = std::chrono::seconds(1);
  static constexpr std::size_t first_read_size = 2 * 1024;
  static constexpr std::size_t largest_read_size = 128 * 1024;

  Stream& stream_;
  machine& session_;
  drive_options options_;
  asio::steady_timer timer_;
  asio::steady_timer ended_;  // never expires; cancelled to wake run()
  std::function<void()> each_turn_;
  std::shared_ptr<void> owner_;
  bytes input_;
  bytes unsent_;
  bytes sending_;
  std::size_t arrived_ = 0;  // octets in input_
  std::size_t fed_ = 0;  // octets of input_ already fed to the machine
  std::size_t sent_ = 0;  // octets of sending_ already sent
  time_point armed_for_ = never;
  time_point progress_{};  // time of the last progress in sending
  time_point linger_until_{};
  int unacknowledged_ = 0;
  std::error_code error_;
  std::exception_ptr thrown_;
  std::uint64_t reads_ = 0;  // number of finished reads
  std::uint64_t settled_reads_ = UINT64_MAX;  // number of reads finished when nothing else was queued
  int waits_ = 0;  // pending waits of timer_, including cancelled ones
  phase phase_ = phase::running;
  bool running_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool read_ended_ = false;
  bool stopping_ = false;
  bool settling_ = false;
  bool stop_passed_on_ = false;
};

/// Runs one machine over one stream (tcp::socket, or a TLS stream over it) until the machine is done or wants TLS, and
/// its last octets are sent, or until the stream fails. Reads and writes run at the same time. Call it only from the
/// stream's own thread. The stream and the machine must outlive it.
template <class Stream>
class driver {
 public:
  driver(Stream& stream, machine& session, drive_options options)
      : loop_(std::make_shared<drive_loop<Stream>>(stream, session, options)) {}
  ~driver() { loop_->drop(nullptr); }
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  /// Returns the stream's error, if one ended the session. Call it once; it leaves the stream open. An exception of the
  /// machine or Asio (std::bad_alloc) ends the session and is rethrown; then handlers may still be queued, see
  /// outlive(). `each_turn` is called at the start, and after the calls of the machine in each turn of the loop: the
  /// owner takes its events and gives it more to do, but does not call the driver.
  [[nodiscard]] asio::awaitable<std::error_code> run(std::function<void()> each_turn = {}) {
    return loop_->run(std::move(each_turn));
  }

  /// Call this after changing the machine from outside, or when what it waits for may be ready: resumes the machine,
  /// then checks its output, deadline and done().
  void poke() { loop_->poke(); }

  /// Graceful shutdown: the machine finishes what the peer has begun. Unread input in the socket counts as begun.
  void stop() { loop_->stop(); }

  /// Ends the session now; a machine with a last message gets a short time to send it.
  void abort() { loop_->abort(); }

  /// Call this after run() has thrown: keeps `owner`, which owns the stream, alive until no handler is queued.
  void outlive(std::shared_ptr<void> owner) { loop_->drop(std::move(owner)); }

 private:
  std::shared_ptr<drive_loop<Stream>> loop_;
};

}  // namespace netlab::net
