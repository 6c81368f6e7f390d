// SPDX-License-Identifier: MIT
// Exercise 1: one server and many clients, and a graceful shutdown.
#include <list>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/check.hpp"
#include "lab/tour/calc_steps.hpp"
#include "lab/tour/talk.hpp"

namespace netlab::lab {
namespace {

constexpr std::uint32_t crowd = 100;  // clients at once

calc::request question_of(std::uint32_t id) {
  return {.id = id, .op = "PRO", .numbers = {static_cast<std::int32_t>(id), 3}};
}

}  // namespace

step_result many_clients(classroom& in) {
  in.tell.say(
      "Each accept() gives the server a new socket with the same local port; the four numbers (both addresses, both "
      "ports) keep the connections apart. Here all connect before any of them asks, and the last one asks first. A "
      "server that reads one socket at a time would wait for the first client, which has sent nothing.");
  std::list<net::tcp::socket> sockets;
  while (sockets.size() < crowd) {
    auto socket = co_await connect_to(in.calc_at());
    if (!socket) co_return unexpected(socket.error());
    sockets.push_front(std::move(*socket));
  }
  std::uint32_t right = 0;
  std::uint32_t id = crowd;
  for (net::tcp::socket& socket : sockets) {
    const calc::request asked = question_of(id--);
    bytes sent;
    calc::append_request(sent, asked, byte_order::big);
    if (auto done = co_await send_all(socket, sent); !done) co_return done;
    const auto reply = co_await receive(socket, calc::answer_size);
    if (!reply) co_return unexpected(reply.error());
    if (reply->size() == calc::answer_size && calc::check_answer(asked, byte_order::big, *reply)) ++right;
  }
  in.tell.show(fmt::format("{} connected, {} right answers", sockets.size(), right));
  in.tell.check("each client got its own answer, although the clients before it had sent nothing", right == crowd);
  co_return result<void>();
}

step_result orderly_end(classroom& in) {
  in.tell.say(
      "accept() and recv() block, so another thread or a signal has to wake them. On Ctrl-C this server closes its "
      "listening socket, answers the requests that have arrived, and closes every connection with FIN. Here one client "
      "is still connected; it has already received its answer.");
  auto guest = co_await connect_to(in.calc_at());
  if (!guest) co_return unexpected(guest.error());
  bytes sent;
  calc::append_request(sent, question_of(4), byte_order::big);
  if (auto done = co_await send_all(*guest, sent); !done) co_return done;
  const auto reply = co_await receive(*guest, calc::answer_size);
  if (!reply) co_return unexpected(reply.error());
  in.tell.show(fmt::format("a client asks, and receives {}", count_of(reply->size(), "octet")));

  in.calc_service().begin_stop(co_await asio::this_coro::executor);
  in.tell.show("… the server is told to stop");
  const auto end = co_await becomes_readable(*guest);
  if (!end) co_return unexpected(end.error());
  bytes nothing(1);
  const one_call last = receive_now(*guest, nothing);
  in.tell.show(fmt::format("the client's next recv() {}", last.in_words()));
  std::error_code ignored;
  guest->close(ignored);
  const auto stopped = co_await in.calc_service().stopped(clock::now() + patience);
  if (!stopped) co_return unexpected(stopped.error());
  in.tell.check("the client got a FIN, not a reset, and no answer was lost",
                *stopped && reply->size() == calc::answer_size && last.is_end());

  in.tell.say(
      "A client that connects now is refused: no socket listens, and the system answers the SYN with RST. (Started "
      "again at once, a "
      "server may find its port in use: the side that closed first keeps the connection in TIME_WAIT for a minute. "
      "SO_REUSEADDR, set before bind(), solves this.)");
  const calc::request asked{.id = 10, .op = "SUM", .numbers = {1}};
  const auto refused = co_await calc::query_one(in.over(net::transport::tcp), asked);
  if (!refused && net::is_cancelled(refused.error().code)) co_return unexpected(refused.error());
  in.tell.show(refused ? "connected" : describe(refused.error()));
  in.tell.check(fmt::format("port {} is closed now", in.calc_at()),
                !refused && refused.error().code == std::errc::connection_refused);
  const calc::server_totals totals = in.totals();
  in.tell.show(fmt::format("the server: {} answered, {} refused, {}", count_of(totals.answered, "request"),
                           totals.refused, count_of(totals.connections, "connection")));
  co_return result<void>();
}

}  // namespace netlab::lab
