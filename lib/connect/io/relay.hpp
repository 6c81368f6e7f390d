// SPDX-License-Identifier: MIT
// Copies standard input to the peer and the peer's output to standard output at the same time. This does not use
// net/drive.hpp, because there are no messages to parse: large pieces are passed through unchanged
// (test/bench/connect).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "connect/line_ends.hpp"
#include "connect/screen.hpp"
#include "connect/telnet.hpp"
#include "net/asio.hpp"
#include "net/standard_stream.hpp"

namespace netlab::connect {

struct relay_options {
  /// How long the peer may be inactive after the end of the input, or while octets wait to be sent to it. Over UDP,
  /// silence of this length after the end of the input ends the relay. 0: no limit.
  duration idle_timeout = std::chrono::seconds(30);
  bool crlf = false;                                 ///< sends LF as CR LF
  telnet_mode telnet = telnet_mode::off;
  bool escape = false;                               ///< the output goes to a terminal
  /// Keeps the sending side open after the end of the input, until the peer has been silent for idle_timeout.
  bool keep_open = false;
};

struct relay_totals {
  std::uint64_t sent = 0;      ///< octets written to the peer's connection
  std::uint64_t received = 0;  ///< octets read from it
  bool reader_gone = false;    ///< the reader of stdout has closed it
  bool peer_ended_last = false;  ///< the peer closed after we had closed our side
};

/// Works over tcp::socket and tls::stream. At the end of the input it closes our sending side; then it waits for
/// the peer as long as the peer sends something within each idle_timeout. With TLS there is no half-close that servers
/// understand: many take close_notify as the end of the connection and drop their answers, so it is sent only when the
/// peer has become silent. Telnet's negotiation also continues after the input. If the peer closes first, the relay
/// does not wait for input from a terminal; input from a pipe or a file is still sent until there is a pause in it.
template <class Stream>
class relay {
 public:
  relay(Stream& stream, net::standard_stream& input, net::standard_stream& output, relay_options options)
      : stream_(stream),
        input_(input),
        output_(output),
        options_(options),
        telnet_(options.telnet),
        alive_(std::make_shared<bool>(true)),
        watchdog_(stream.get_executor()),
        freed_(stream.get_executor()),
        up_ended_(stream.get_executor()) {
    freed_.expires_at(never);
    up_ended_.expires_at(never);
  }
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  /// Fails with the error of the stream, of standard input or of standard output, with errc::timed_out, or when
  /// cancelled.
  [[nodiscard]] asio::awaitable<result<relay_totals>> run() {
    asio::co_spawn(stream_.get_executor(), up(), net::rethrow);
    std::optional<failure> trouble = co_await down();
    if (!trouble && !totals_.reader_gone && !up_done_ && !input_.is_terminal()) co_await wait_for_input();
    ended_ = true;
    input_.cancel();
    std::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
    while (!up_done_) co_await up_ended_.async_wait(net::use_tuple);
    *alive_ = false;
    if (input_failure_) co_return unexpected(*input_failure_);
    if (timed_out_) co_return unexpected(*timed_out_);
    if (trouble) co_return unexpected(*std::move(trouble));
    if (send_error_ && !totals_.reader_gone)
      co_return unexpected(
          failure{send_error_, {}, "the peer closed the connection before it had received all of the input", {}});
    totals_.peer_ended_last = output_ended_;
    if (is_tls && !output_ended_) end_output();
    co_return totals_;
  }

 private:
  static constexpr bool is_tls = !std::is_same_v<Stream, net::tcp::socket>;
  // The maximum size of a pipe; a smaller buffer costs throughput, a larger one gains none.
  static constexpr std::size_t buffer_size = 256 * 1024;
  // After an answer: how long the peer must be silent before our side is closed. A server with more to send is faster.
  static constexpr duration quiet_after_answer = std::chrono::seconds(5);
  // The same without any input: only a greeting can be expected.
  static constexpr duration quiet_without_input = std::chrono::seconds(1);
  // After the peer's end: how long the input may pause. Most peers that have closed do not read any more, so waiting is
  // useless; but a peer that has only shut down its sending side still gets the pending input.
  static constexpr duration pause_after_peer_end = std::chrono::milliseconds(750);

  [[nodiscard]] asio::awaitable<void> up() {
    bytes buffer(buffer_size);
    std::string changed;
    while (!ended_) {
      const auto size = co_await input_.read(buffer);
      if (ended_) break;
      if (!size) {
        input_failure_ = size.error();
        give_up();
        break;
      }
      touch();
      if (*size == 0) break;
      had_input_ = true;
      input_came_ = clock::now();
      bytes_view octets = bytes_view(buffer).first(*size);
      if (options_.crlf || telnet_.is_on()) {
        octets = translate(octets, changed);
      }
      send_error_ = co_await send(octets);
      if (send_error_) break;
      input_came_ = clock::now();
    }
    input_ended_ = true;
    touch();
    if (!ended_ && !needs_quiet()) end_output();
    if (!ended_) guard(true);
    up_done_ = true;
    up_ended_.cancel();
  }

  /// True if our side may close only when the peer is silent. Telnet options must still be refused after the end of the
  /// input: telnetd sends nothing before that.
  [[nodiscard]] bool needs_quiet() const noexcept { return is_tls || telnet_.is_on() || options_.keep_open; }

  void end_output() {
    output_ended_ = true;
    if constexpr (is_tls) {
      stream_.close_notify();
    } else {
      std::error_code ignored;
      stream_.shutdown(net::tcp::socket::shutdown_send, ignored);
    }
  }

  [[nodiscard]] bytes_view translate(bytes_view octets, std::string& changed) {
    changed.clear();
    if (telnet_.is_on()) {
      telnet_.to_peer(changed, as_text(octets));  // also ends lines in CR LF
    } else {
      line_ends_.append(changed, as_text(octets));
    }
    return as_bytes(changed);
  }

  /// Only one writer at a time: Telnet's answers are sent here, too.
  [[nodiscard]] asio::awaitable<std::error_code> send(bytes_view octets) {
    while (sending_) co_await freed_.async_wait(net::use_tuple);
    sending_ = true;
    guard(false);
    std::error_code error = co_await write_all(octets);
    while (!error && !owed_.empty()) {
      const std::string answer = std::exchange(owed_, {});
      error = co_await write_all(as_bytes(answer));
    }
    sending_ = false;
    freed_.cancel();
    co_return error;
  }

  [[nodiscard]] asio::awaitable<std::error_code> write_all(bytes_view octets) {
    while (!octets.empty()) {
      const auto [error, size] =
          co_await stream_.async_write_some(asio::buffer(octets.data(), octets.size()), net::use_tuple);
      if (error) co_return error;
      octets = octets.subspan(size);
      totals_.sent += size;
      touch();
    }
    co_return std::error_code();
  }

  [[nodiscard]] asio::awaitable<std::optional<failure>> down() {
    bytes buffer(buffer_size);
    while (!ended_) {
      const auto [error, size] =
          co_await stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()), net::use_tuple);
      // If input is always available, no read waits and none would be cancelled.
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
        co_return failure(asio::error::operation_aborted, {}, {}, {});
      if (error == asio::error::eof) break;
      if (error) co_return stream_failure(error);
      totals_.received += size;
      touch();
      if (input_ended_ && !std::exchange(received_since_end_, true)) guard(true);  // a shorter silence suffices now
      auto trouble = co_await show(bytes_view(buffer).first(size));
      if (trouble || totals_.reader_gone) co_return trouble;
    }
    std::string rest = telnet_.rest();
    if (options_.escape) {
      rest = screen_.show(rest);
      rest += screen_.rest();
    }
    co_return co_await write_out(as_bytes(rest));
  }

  [[nodiscard]] asio::awaitable<std::optional<failure>> show(bytes_view octets) {
    std::string text;
    if (!telnet_.is_off()) {
      telnet::received got = telnet_.from_peer(as_text(octets));
      text = std::move(got.data);
      octets = as_bytes(text);
      owed_ += got.answer;
      // If sending fails, up() gets the same error and reports it.
      if (!owed_.empty() && !sending_) static_cast<void>(co_await send({}));
    }
    if (options_.escape) {
      text = screen_.show(as_text(octets));
      octets = as_bytes(text);
    }
    co_return co_await write_out(octets);
  }

  [[nodiscard]] asio::awaitable<std::optional<failure>> write_out(bytes_view octets) {
    writing_out_ = true;
    const std::error_code error = co_await output_.write(octets);
    writing_out_ = false;
    touch();
    if (sending_ || input_ended_) guard(false);
    if (!error) co_return std::nullopt;
    if (error == std::errc::broken_pipe) {
      totals_.reader_gone = true;
      co_return std::nullopt;
    }
    co_return failure(error, "write to stdout");
  }

  /// The peer has closed its sending side but may still receive.
  [[nodiscard]] asio::awaitable<void> wait_for_input() {
    input_came_ = clock::now();
    while (!up_done_) {
      const time_point now = clock::now();
      if (!sending_ && now >= input_came_ + pause_after_peer_end) break;
      up_ended_.expires_at(sending_ ? now + pause_after_peer_end : input_came_ + pause_after_peer_end);
      co_await up_ended_.async_wait(net::use_tuple);
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state)) break;
    }
    up_ended_.expires_at(never);
  }

  void touch() noexcept { progress_ = clock::now(); }

  /// The time by which the peer must act; never while we wait for something else.
  [[nodiscard]] time_point deadline() const {
    if (options_.idle_timeout == duration(0) && (options_.keep_open || !wants_quiet())) return never;
    if (writing_out_ || !(input_ended_ || sending_)) return never;
    return progress_ + (wants_quiet() ? quiet_time() : options_.idle_timeout);
  }

  [[nodiscard]] bool wants_quiet() const noexcept { return input_ended_ && !output_ended_ && needs_quiet(); }
  [[nodiscard]] duration quiet_time() const {
    const duration longest =
        options_.idle_timeout == duration(0) ? duration(std::chrono::seconds(30)) : options_.idle_timeout;
    if (options_.keep_open) return longest;
    if (!had_input_) return std::min(quiet_without_input, longest / 2);
    return received_since_end_ ? std::min(quiet_after_answer, longest / 2) : longest / 2;
  }

  /// Checks the deadline when it comes. `anew`: it may be earlier than before.
  void guard(bool anew) {
    const time_point wanted = deadline();
    if (wanted == never || (guarded_ && !anew)) return;
    guarded_ = true;
    watchdog_.expires_at(wanted);
    watchdog_.async_wait([this, alive = alive_](std::error_code error) {
      if (error || !*alive) return;
      guarded_ = false;
      if (ended_) return;
      if (clock::now() < deadline()) return guard(false);
      if (wants_quiet()) {
        end_output();
        touch();
        return guard(false);
      }
      timed_out_ = timed_out();
      give_up();
    });
  }

  void give_up() {
    ended_ = true;
    std::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
    output_.cancel();
    input_.cancel();
  }

  [[nodiscard]] failure timed_out() const {
    return {make_error_code(errc::timed_out),
            {},
            sending_ ? fmt::format("the peer has read nothing for {}", to_string(options_.idle_timeout))
                     : fmt::format("the peer sent nothing for {} and did not close the connection",
                                   to_string(options_.idle_timeout)),
            "--idle-timeout"};
  }

  [[nodiscard]] failure stream_failure(std::error_code error) {
    if constexpr (is_tls)
      if (stream_.trouble().code) return stream_.trouble();
    return {error, {}, {}, {}};
  }

  Stream& stream_;
  net::standard_stream& input_;
  net::standard_stream& output_;
  relay_options options_;
  telnet telnet_;
  crlf_writer line_ends_;
  screen screen_;
  relay_totals totals_;
  std::string owed_;  // Telnet's answers to the peer
  std::optional<failure> input_failure_;
  std::optional<failure> timed_out_;
  std::error_code send_error_;
  time_point progress_ = clock::now();
  time_point input_came_{};
  bool sending_ = false;
  bool writing_out_ = false;
  bool had_input_ = false;
  bool input_ended_ = false;
  bool received_since_end_ = false;
  bool output_ended_ = false;
  bool up_done_ = false;
  bool ended_ = false;
  bool guarded_ = false;
  std::shared_ptr<bool> alive_;
  asio::steady_timer watchdog_;
  asio::steady_timer freed_;  // cancelled when a send has finished
  asio::steady_timer up_ended_;
};

}  // namespace netlab::connect
