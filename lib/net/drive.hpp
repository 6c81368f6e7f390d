// SPDX-License-Identifier: MIT
// Runs a session machine over a stream. One turn: send, wait for an event, pass it to the machine.
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
#include "net/wake_up.hpp"

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
  /// The session ends with timed_out when sending makes no progress for this long after the machine is done, or while
  /// the peer is held back.
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

/// Runs one machine over one stream (tcp::socket, or a TLS stream over it). Ends when the machine is done or wants TLS
/// and its output has been sent, or when the stream fails. Between the turns the owner takes the machine's events and
/// gives it more to do:
///
///     net::driver<tcp::socket> drive(socket, session, {});
///     while (!drive.has_ended()) {
///       … session.take_events() … session.submit() …
///       co_await drive.turn();
///     }
///
/// Reads and writes run at the same time. Call it only from the stream's own thread. The stream and the machine must
/// outlive it; its destructor cancels pending operations.
template <class Stream>
class driver {
 public:
  driver(Stream& stream, machine& session, drive_options options)
      : stream_(stream),
        session_(session),
        options_(options),
        io_(std::make_shared<operations>(stream.get_executor())) {}
  ~driver() { end(asio::error::operation_aborted); }
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  /// Sends the machine's output, waits for an event (input, progress in sending, a deadline, poke(), stop(), abort())
  /// and passes it to the machine. When the machine is done, the last turn sends the rest and waits until no operation
  /// is pending. An exception of the machine or of Asio (std::bad_alloc) ends the session and is rethrown, by the last
  /// turn if possible; a cancellation ends it with operation_aborted.
  [[nodiscard]] asio::awaitable<void> turn() {
    guarded(&driver::start_operations);
    while (phase_ != phase::ended || io_->is_pending()) {
      co_await io_->event.wait();
      if (is_cancelled(co_await asio::this_coro::cancellation_state)) {
        end(asio::error::operation_aborted);
        error_ = asio::error::operation_aborted;  // also if the session had ended already
        co_await asio::this_coro::reset_cancellation_state();
      }
      if (phase_ == phase::ended) continue;
      const bool was_running = phase_ == phase::running;
      guarded(&driver::handle_results);
      if (was_running && !thrown_) co_return;
      guarded(&driver::start_operations);
    }
    has_ended_ = true;
    if (thrown_) std::rethrow_exception(thrown_);
  }

  /// True after the last turn: the session has ended, and no operation is pending.
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }

  [[nodiscard]] asio::any_io_executor get_executor() { return stream_.get_executor(); }

  /// Why the session ended early: an error of the stream, timed_out (the peer does not read), operation_aborted
  /// (abort() or a cancellation), not_enough_memory. No error otherwise.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

  /// Takes all turns; for an owner that has nothing to do between them. Returns error().
  [[nodiscard]] asio::awaitable<std::error_code> run() {
    while (!has_ended_) co_await turn();
    co_return error_;
  }

  /// Wakes the current turn: the machine is resumed, and its output, deadline and done() are checked again. Call it
  /// after changing the machine from outside, or when what it waits for may be ready.
  void poke() {
    poked_ = true;
    io_->event.wake_later();
  }

  /// Graceful shutdown: the machine finishes what the peer has begun. Unread input in the socket counts as begun.
  void stop() {
    stopping_ = true;
    io_->event.wake_later();
  }

  /// Ends the session now; a machine with a last message gets a short time to send it.
  void abort() {
    aborting_ = true;
    io_->event.wake_later();
  }

 private:
  enum class phase : std::uint8_t { running, flushing, lingering, ended };

  /// What Asio's operations refer to. Their handlers keep it alive, note the result and wake the driver.
  struct operations {
    explicit operations(const asio::any_io_executor& executor) : event(executor), timer(executor) {}

    /// True until all operations have called their handlers.
    [[nodiscard]] bool is_pending() const noexcept { return reading || writing || waits > 0 || settling; }

    wake_up event;
    asio::steady_timer timer;
    bytes input;
    bytes sending;
    std::error_code read_error;
    std::error_code write_error;
    std::size_t received = 0;  // octets that the last read has put into `input`
    std::size_t written = 0;  // octets of `sending` that the last write has sent
    std::uint64_t reads = 0;  // number of finished reads
    std::uint64_t settled_reads = UINT64_MAX;  // `reads` when the last settle() began that has ended
    int waits = 0;  // pending waits of `timer`, including cancelled ones
    bool reading = false;
    bool writing = false;
    bool settling = false;
    bool has_read = false;  // not yet handled
    bool has_written = false;  // not yet handled
    bool timer_expired = false;  // not yet handled
  };

  /// Ends the session if `act` throws; the last turn rethrows the exception.
  void guarded(void (driver::*act)()) noexcept {
    if (phase_ == phase::ended) return;
    try {
      (this->*act)();
    } catch (...) {
      thrown_ = std::current_exception();
      end(std::make_error_code(std::errc::not_enough_memory));
    }
  }

  /// Marks the operation as pending unless `start()` throws.
  template <class Start>
  static void initiate(bool& is_pending, Start start) {
    is_pending = true;
    try {
      start();
    } catch (...) {
      is_pending = false;
      throw;
    }
  }

  /// The first half of a turn: sends the machine's output and starts the operations that the turn waits for.
  void start_operations() {
    if (aborting_ && !has_begun_) return end(asio::error::operation_aborted);
    has_begun_ = true;
    if (phase_ == phase::running) {
      collect_output();
      if (session_.done() || (session_.wants_tls() && fed_ == arrived_)) {
        phase_ = phase::flushing;
        progress_ = clock::now();
      }
    }
    if (!unsent_.empty() && !io_->writing) start_write();
    if (phase_ == phase::flushing && unsent_.empty() && !io_->writing) start_lingering();
    if (phase_ == phase::ended) return;
    const bool wants_input = phase_ == phase::lingering ||
                             (phase_ == phase::running && fed_ == arrived_ && !is_held_back() && !session_.busy());
    if (wants_input && !io_->reading && !read_ended_) start_read();
    if (phase_ == phase::lingering && read_ended_) return end({});
    arm_timer();
    if (std::exchange(acknowledge_next_, false) && unsent_.empty() && !io_->writing) acknowledge_input();
  }

  /// The second half: passes the results of completed operations to the machine.
  void handle_results() {
    if (std::exchange(io_->has_read, false)) have_read();
    if (std::exchange(io_->has_written, false)) have_written();
    if (phase_ == phase::running) {
      if (std::exchange(poked_, false)) session_.resume(clock::now());
      feed();
    }
    // After the input, which arrived in time.
    if (std::exchange(io_->timer_expired, false)) have_waited(clock::now());
    // After the input: a peer that has stopped reading may have sent the reason.
    if (io_->write_error) end(io_->write_error);
    if (aborting_) cut_off();
    if (phase_ != phase::running) return;
    // The answers to this input are sent before the owner's work, which takes time.
    if (!unsent_.empty() && !io_->writing) start_write();
    if (stopping_) pass_on_stop();
  }

  [[nodiscard]] bool has_enough_to_send() const noexcept {
    return unsent_.size() + io_->sending.size() - sent_ >= options_.max_unsent;
  }
  /// True if so much output waits to be sent that nothing is read from the peer.
  [[nodiscard]] bool is_held_back() const noexcept { return options_.holds_back && has_enough_to_send(); }

  void pass_on_stop() {
    if (fed_ != arrived_ || has_unread_input()) return;
    if (io_->reading && io_->settled_reads != io_->reads) return settle();
    stopping_ = false;
    session_.stop(clock::now());
  }

  [[nodiscard]] bool has_unread_input() {
    std::error_code error;
    return !read_ended_ && stream_.lowest_layer().available(error) > 0 && !error;
  }

  /// A read may have taken octets from the socket while its handler is still queued. Handlers run in order: it has
  /// run when a handler posted now runs. Post twice, because a read that completes in between is queued after the
  /// first.
  void settle() {
    if (io_->settling) return;
    initiate(io_->settling, [&] {
      asio::post(stream_.get_executor(), [io = io_, executor = stream_.get_executor(), before = io_->reads] {
        const auto settled = [io, before] {
          io->settling = false;
          io->settled_reads = before;
          io->event.wake();
        };
        insist([&] { asio::post(executor, settled); });
      });
    });
  }

  void cut_off() {
    aborting_ = false;
    if (phase_ != phase::running) return end(asio::error::operation_aborted);
    session_.cut_off(clock::now());
    if (!session_.done()) return end(asio::error::operation_aborted);
    options_.flush_time = std::min(options_.flush_time, last_words_time);
    options_.linger_time = std::min(options_.linger_time, last_words_time);
  }

  /// Feeds input to the machine until max_unsent octets wait to be sent.
  void feed() {
    while (fed_ < arrived_ && !is_held_back() && !session_.done() && !session_.busy()) {
      const std::size_t size = std::min(options_.max_feed, arrived_ - fed_);
      session_.feed(bytes_view(io_->input).subspan(fed_, size), clock::now());
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
    bytes& input = io_->input;
    if (input.empty())
      input.resize(first_read_size);
    else if (arrived_ == input.size() && arrived_ < largest_read_size)
      input.resize(arrived_ * 4);
    arrived_ = fed_ = 0;
    initiate(io_->reading, [&] {
      stream_.async_read_some(asio::buffer(input), [io = io_](std::error_code error, std::size_t size) {
        io->reading = false;
        ++io->reads;
        io->has_read = true;
        io->read_error = error;
        io->received = size;
        io->event.wake();
      });
    });
  }

  void have_read() {
    if (io_->read_error == asio::error::eof) {
      read_ended_ = true;
      if (phase_ == phase::running) session_.eof(clock::now());
    } else if (io_->read_error) {
      end(io_->read_error);
    } else {
      arrived_ = io_->received;
    }
    acknowledge_next_ = options_.quick_acks;
  }

  /// Call it after each read: the traffic that follows resets the option (tcp(7)).
  void acknowledge_input() {
    const int on = 1;
    ::setsockopt(stream_.lowest_layer().native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }

  void start_write() {
    std::swap(io_->sending, unsent_);
    progress_ = clock::now();
    write_more();
  }

  void write_more() {
    initiate(io_->writing, [&] {
      stream_.async_write_some(asio::buffer(io_->sending) + sent_, [io = io_](std::error_code error, std::size_t size) {
        io->writing = false;
        io->has_written = true;
        io->write_error = error;
        io->written = size;
        io->event.wake();
      });
    });
  }

  void have_written() {
    if (phase_ == phase::ended || io_->write_error) return;
    sent_ += io_->written;
    progress_ = clock::now();
    if (phase_ == phase::running) session_.sent(progress_);
    bytes& sending = io_->sending;
    if (sent_ < sending.size()) return write_more();
    sent_ = 0;
    if (options_.wipe) ::explicit_bzero(sending.data(), sending.size());
    sending.clear();
    if (sending.capacity() > largest_read_size) sending.shrink_to_fit();
  }

  void start_lingering() {
    if (options_.linger_time == duration(0) || session_.wants_tls()) return end({});
    unacknowledged_output_ = count_unacknowledged();
    std::error_code error;
    if constexpr (requires { stream_.close_notify(); })
      stream_.close_notify();
    else
      stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, error);
    if (error) return end({});
    phase_ = phase::lingering;
    progress_ = clock::now();
    linger_until_ = progress_ + (unacknowledged_output_ > 0 ? look_again_time : options_.linger_time);
  }

  /// Octets that the peer's system has not acknowledged yet (SIOCOUTQ, tcp(7)).
  [[nodiscard]] int count_unacknowledged() {
    int octets = 0;
    if (::ioctl(stream_.lowest_layer().native_handle(), SIOCOUTQ, &octets) != 0) return 0;
    return octets;
  }

  /// True if a peer gets more time, because it is still receiving the last octets or has just acknowledged them.
  [[nodiscard]] bool linger_on(time_point now) {
    if (unacknowledged_output_ == 0) return false;
    const int left = count_unacknowledged();
    if (left < std::exchange(unacknowledged_output_, left)) progress_ = now;
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
    if (wanted == never || (io_->waits > 0 && armed_for_ <= wanted)) return;
    armed_for_ = wanted;
    io_->timer.expires_at(wanted);  // cancels the previous wait
    io_->timer.async_wait([io = io_](std::error_code) {
      if (--io->waits > 0) return;
      io->timer_expired = true;
      io->event.wake();
    });
    ++io_->waits;
  }

  void have_waited(time_point now) {
    if (phase_ == phase::ended || next_deadline() > now) return;
    // The peer does not read: end the connection instead of ticking the machine.
    if (phase_ == phase::running && is_held_back() && now >= progress_ + options_.flush_time)
      return end(asio::error::timed_out);
    if (phase_ == phase::running) {
      if (!session_.done()) session_.tick(now);
      return;
    }
    if (phase_ == phase::flushing) return end(asio::error::timed_out);
    if (phase_ == phase::lingering && !linger_on(now)) return end({});
  }

  void end(std::error_code error) {
    if (phase_ == phase::ended) return;
    phase_ = phase::ended;
    error_ = error;
    std::error_code ignored;
    io_->timer.cancel();
    if (io_->reading || io_->writing) stream_.lowest_layer().cancel(ignored);
  }

  /// Polling interval for unacknowledged octets, because no event reports the last acknowledgement.
  static constexpr duration look_again_time = std::chrono::milliseconds(100);
  static constexpr duration last_words_time = std::chrono::seconds(1);
  static constexpr std::size_t first_read_size = 2 * 1024;
  static constexpr std::size_t largest_read_size = 128 * 1024;

  Stream& stream_;
  machine& session_;
  drive_options options_;
  std::shared_ptr<operations> io_;
  bytes unsent_;
  std::size_t arrived_ = 0;  // octets in io_->input
  std::size_t fed_ = 0;  // octets of io_->input already fed to the machine
  std::size_t sent_ = 0;  // octets of io_->sending already sent
  time_point armed_for_ = never;
  time_point progress_{};  // time of the last progress in sending
  time_point linger_until_{};
  int unacknowledged_output_ = 0;
  std::error_code error_;
  std::exception_ptr thrown_;
  phase phase_ = phase::running;
  bool has_begun_ = false;
  bool has_ended_ = false;
  bool read_ended_ = false;
  bool poked_ = false;
  bool stopping_ = false;
  bool aborting_ = false;
  bool acknowledge_next_ = false;
};

}  // namespace netlab::net
