// SPDX-License-Identifier: MIT
// Plain socket functions as in a student's program, with a time limit for every wait.
#pragma once

#include <array>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "lab/tour/classroom.hpp"
#include "net/expiry.hpp"

namespace netlab::lab {

/// A listening socket on a free port of 127.0.0.1; the step itself calls accept().
[[nodiscard]] result<net::tcp::acceptor> listen_here(const asio::any_io_executor& on);

/// Connects to a port of 127.0.0.1. TCP_NODELAY is set: each send() is one segment.
[[nodiscard]] asio::awaitable<result<net::tcp::socket>> connect_to(std::uint16_t port);

/// Connects this socket, which may be bound. The value is the result of connect(). Fails when cancelled.
[[nodiscard]] asio::awaitable<result<std::error_code>> connect_on(net::tcp::socket& socket, net::tcp::endpoint to);

/// The two connected sockets of a TCP connection.
struct connection {
  net::tcp::socket client;
  net::tcp::socket server;
};
[[nodiscard]] asio::awaitable<result<connection>> make_connection();

/// Waits until a read (or an accept) would not block. False: not within `patience`. Fails when cancelled.
template <class Socket>
[[nodiscard]] asio::awaitable<result<bool>> becomes_readable(Socket& socket) {
  const net::expiry limit(socket, clock::now() + patience);
  const auto [error] = co_await socket.async_wait(Socket::wait_read, net::use_tuple);
  if (error && !limit.passed()) co_return fail(error, "wait for a socket");
  co_return !error;
}

/// Waits until `size` octets, or the end of the stream, can be received at once. False as above.
[[nodiscard]] asio::awaitable<result<bool>> has_received(net::tcp::socket& socket, std::size_t size);

/// The result of one non-blocking call: a number of octets, or an error; would_block if the call would wait.
struct one_call {
  std::size_t size = 0;
  std::error_code error;
  [[nodiscard]] bool would_wait() const { return error == asio::error::would_block; }
  /// recv() returned 0: the peer has closed its sending side.
  [[nodiscard]] bool is_end() const { return error == asio::error::eof; }
  /// `would wait`, `returns 0`, `returns 8`, or an error's name.
  [[nodiscard]] std::string in_words() const;
};
[[nodiscard]] one_call receive_now(net::tcp::socket& socket, bytes& into);

/// Sends all octets; fails if the connection breaks.
[[nodiscard]] asio::awaitable<result<void>> send_all(net::tcp::socket& socket, bytes_view octets);

/// Receives `size` octets, fewer if the peer closes or after `patience`. Fails when cancelled or reset.
[[nodiscard]] asio::awaitable<result<bytes>> receive(net::tcp::socket& socket, std::size_t size);

}  // namespace netlab::lab
