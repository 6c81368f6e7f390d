// SPDX-License-Identifier: MIT
#include "connect/io/datagram_relay.hpp"

#include <unistd.h>

#include <string>

#include "connect/line_ends.hpp"
#include "connect/screen.hpp"
#include "net/endpoint.hpp"
#include "net/expiry.hpp"
#include "net/icmp.hpp"

namespace netlab::connect {

datagram_relay::datagram_relay(net::udp::socket socket, const relay_options& options,
                               const asio::any_io_executor& executor)
    : socket_(std::move(socket)),
      options_(options),
      input_(executor, STDIN_FILENO, net::standard_stream::use::input),
      output_(executor, STDOUT_FILENO, net::standard_stream::use::output),
      sender_ended_(executor) {
  sender_ended_.expires_at(never);
}

asio::awaitable<result<relay_totals>> datagram_relay::run() {
  asio::co_spawn(socket_.get_executor(), send_all(), net::rethrow);
  co_await receive_all();
  if (trouble_) co_return unexpected(*trouble_);
  co_return totals_;
}

asio::awaitable<void> datagram_relay::send_all() {
  // Inserting CRs may double the size.
  bytes buffer(options_.crlf ? net::max_datagram / 2 : net::max_datagram);
  std::string changed;
  crlf_writer line_ends;
  while (!ended_) {
    const auto size = co_await input_.read(buffer);
    if (ended_) break;
    if (!size) trouble_ = size.error();
    if (!size || *size == 0) break;
    bytes_view octets = bytes_view(buffer).first(*size);
    if (options_.crlf) {
      changed.clear();
      line_ends.append(changed, as_text(octets));
      octets = as_bytes(changed);
    }
    const auto [error, sent] = co_await socket_.async_send(asio::buffer(octets.data(), octets.size()), net::use_tuple);
    if (error) {
      trouble_ = failure_of(error);
      break;
    }
    totals_.sent += sent;
  }
  input_ended_ = true;
  progress_ = clock::now();
  std::error_code ignored;
  socket_.cancel(ignored);  // makes receive_all() wait again, now with a deadline
  sender_done_ = true;
  sender_ended_.cancel();
}

asio::awaitable<void> datagram_relay::receive_all() {
  bytes buffer(net::max_datagram + 1);
  screen shown;
  while (!trouble_) {
    const bool is_bounded = input_ended_ && options_.idle_timeout != duration(0);
    const net::expiry limit(socket_, is_bounded ? progress_ + options_.idle_timeout : never);
    const auto [error, size] =
        co_await socket_.async_receive(asio::buffer(buffer.data(), buffer.size()), net::use_tuple);
    if (net::is_cancelled(co_await asio::this_coro::cancellation_state)) {
      trouble_ = failure(asio::error::operation_aborted, {}, {}, {});
      break;
    }
    if (limit.passed()) break;
    if (net::is_cancelled(error)) continue;
    if (error) {
      trouble_ = failure_of(error);
      break;
    }
    totals_.received += size;
    progress_ = clock::now();
    bytes_view octets = bytes_view(buffer).first(size);
    std::string text;
    if (options_.escape) {
      text = shown.show(as_text(octets)) + shown.rest();
      octets = as_bytes(text);
    }
    const std::error_code written = co_await output_.write(octets);
    totals_.reader_gone = written == std::errc::broken_pipe;
    if (totals_.reader_gone) break;
    if (written) trouble_ = failure(written, "write to stdout");
  }
  ended_ = true;
  input_.cancel();
  std::error_code ignored;
  socket_.cancel(ignored);
  while (!sender_done_) co_await sender_ended_.async_wait(net::use_tuple);
}

/// The failure of a call: the ICMP error if there is one, else `error`.
failure datagram_relay::failure_of(std::error_code error) {
  const std::error_code icmp_error = net::take_icmp_error(socket_);
  return {icmp_error ? icmp_error : error, {}, {}, {}};
}

}  // namespace netlab::connect
