// SPDX-License-Identifier: MIT
#include "lab/tour/talk.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::lab {

using net::tcp;

result<tcp::acceptor> listen_here(const asio::any_io_executor& on) {
  tcp::acceptor listening(on);
  std::error_code error;
  listening.open(tcp::v4(), error);
  if (!error) listening.bind({asio::ip::address_v4::loopback(), 0}, error);
  if (!error) listening.listen(asio::socket_base::max_listen_connections, error);
  if (!error) listening.non_blocking(true, error);
  if (error) return fail(error, "listen on a free port of 127.0.0.1");
  return listening;
}

asio::awaitable<result<std::error_code>> connect_on(tcp::socket& socket, tcp::endpoint to) {
  const net::expiry limit(socket, clock::now() + patience);
  const auto [error] = co_await socket.async_connect(to, net::use_tuple);
  if (limit.passed()) co_return make_error_code(std::errc::timed_out);
  if (net::is_cancelled(error)) co_return fail(error, "connect");
  co_return to_standard(error);
}

asio::awaitable<result<tcp::socket>> connect_to(std::uint16_t port) {
  tcp::socket socket(co_await asio::this_coro::executor, tcp::v4());
  const auto error = co_await connect_on(socket, {asio::ip::address_v4::loopback(), port});
  if (!error) co_return unexpected(error.error());
  if (*error) co_return fail(*error, fmt::format("connect 127.0.0.1:{}", port));
  std::error_code refused;
  socket.set_option(tcp::no_delay(true), refused);
  if (!refused) socket.non_blocking(true, refused);
  if (refused) co_return fail(refused, "set a socket's options");
  co_return std::move(socket);
}

asio::awaitable<result<connection>> make_connection() {
  auto listening = listen_here(co_await asio::this_coro::executor);
  if (!listening) co_return unexpected(listening.error());
  auto client = co_await connect_to(listening->local_endpoint().port());
  if (!client) co_return unexpected(client.error());
  const net::expiry limit(*listening, clock::now() + patience);
  auto [error, server] = co_await listening->async_accept(net::use_tuple);
  if (!error) server.set_option(tcp::no_delay(true), error);
  if (!error) server.non_blocking(true, error);
  if (error) co_return fail(error, "accept");
  co_return connection{std::move(*client), std::move(server)};
}

asio::awaitable<result<bool>> has_received(tcp::socket& socket, std::size_t size) {
  const time_point end = clock::now() + patience;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (true) {
    std::error_code error;
    const std::size_t waiting = socket.available(error);
    if (error) co_return fail(error, "ask what has been received");
    if (waiting >= size) co_return true;
    if (clock::now() >= end) co_return false;
    pause.expires_after(std::chrono::milliseconds(1));
    if (const auto [aborted] = co_await pause.async_wait(net::use_tuple); aborted)
      co_return fail(aborted, "wait for octets");
  }
}

std::string one_call::in_words() const {
  if (would_wait()) return "would wait";
  if (is_end()) return "returns 0";
  return error ? message_of(to_standard(error)) : fmt::format("returns {}", size);
}

one_call receive_now(tcp::socket& socket, bytes& into) {
  one_call made;
  made.size = socket.receive(asio::buffer(into), 0, made.error);
  return made;
}

asio::awaitable<result<void>> send_all(tcp::socket& socket, bytes_view octets) {
  const net::expiry limit(socket, clock::now() + patience);
  const auto [error, size] =
      co_await asio::async_write(socket, asio::buffer(octets.data(), octets.size()), net::use_tuple);
  if (error) co_return fail(error, "send");
  co_return result<void>();
}

asio::awaitable<result<bytes>> receive(tcp::socket& socket, std::size_t size) {
  const net::expiry limit(socket, clock::now() + patience);
  bytes taken(size);
  std::size_t have = 0;
  while (have < size) {
    const auto [error, part] = co_await socket.async_read_some(asio::buffer(taken) + have, net::use_tuple);
    if (error == asio::error::eof || limit.passed()) break;
    if (error) co_return fail(error, "receive");
    have += part;
  }
  taken.resize(have);
  co_return taken;
}

}  // namespace netlab::lab
