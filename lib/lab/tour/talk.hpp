// SPDX-License-Identifier: MIT
// Plain sockets as a student's program has them, with a limit to every wait.
#pragma once

#include <array>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "lab/tour/classroom.hpp"
#include "net/expiry.hpp"

namespace netlab::lab {

/// `00 00 00 01`.
[[nodiscard]] std::string hex(bytes_view octets);

/// A socket that listens on a free port of 127.0.0.1, and nobody but the step calls accept() on it.
[[nodiscard]] result<net::tcp::acceptor> listen_here(const asio::any_io_executor& on);

/// Connects to a port of 127.0.0.1. TCP_NODELAY is set: one send(), one segment.
[[nodiscard]] asio::awaitable<result<net::tcp::socket>> connect_to(std::uint16_t port);

/// As connect() does on this socket, which may be bound; what became of it is in the value. Fails when cancelled.
[[nodiscard]] asio::awaitable<result<std::error_code>> connect_on(net::tcp::socket& socket, net::tcp::endpoint to);

/// Two sockets with a connection between them.
struct connection {
  net::tcp::socket client;
  net::tcp::socket server;
};
[[nodiscard]] asio::awaitable<result<connection>> make_connection();

/// Waits until a read (or an accept) would not block. False: patience has come to its end. Fails when cancelled.
template <class Socket>
[[nodiscard]] asio::awaitable<result<bool>> becomes_readable(Socket& socket) {
  const net::expiry limit(socket, clock::now() + patience);
  const auto [error] = co_await socket.async_wait(Socket::wait_read, net::use_tuple);
  if (error && !limit.passed()) co_return fail(error, "wait for a socket");
  co_return !error;
}

/// Waits until so many octets, or the end of the stream, can be received at once. False as above.
[[nodiscard]] asio::awaitable<result<bool>> has_received(net::tcp::socket& socket, std::size_t size);

/// What one call returns that must not wait: a number of octets, or an error: would_block where it would wait.
struct one_call {
  std::size_t size = 0;
  std::error_code error;
  [[nodiscard]] bool would_wait() const { return error == asio::error::would_block; }
  /// recv() returns 0: the peer has said its last.
  [[nodiscard]] bool is_end() const { return error == asio::error::eof; }
  /// `would wait`, `returns 0`, `returns 8`, an error's name.
  [[nodiscard]] std::string in_words() const;
};
[[nodiscard]] one_call receive_now(net::tcp::socket& socket, bytes& into);

/// Sends all of it; fails where the connection breaks.
[[nodiscard]] asio::awaitable<result<void>> send_all(net::tcp::socket& socket, bytes_view octets);

/// As many octets as asked for, fewer where the peer ends or patience does. Fails when cancelled or reset.
[[nodiscard]] asio::awaitable<result<bytes>> receive(net::tcp::socket& socket, std::size_t size);

}  // namespace netlab::lab
