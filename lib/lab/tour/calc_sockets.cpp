// SPDX-License-Identifier: MIT
// Exercise 1: the sockets of a connection as the system lists them, from start to end, as in CurrPorts and `netlab
// sockets`.
#include <algorithm>

#include <fmt/format.h>

#include "lab/tour/calc_steps.hpp"
#include "lab/tour/talk.hpp"
#include "sockets/io/query.hpp"
#include "sockets/table.hpp"

namespace netlab::lab {
namespace {

using sockets::state;
using rows = std::vector<sockets::row>;

/// The TCP sockets with this local or remote port.
result<rows> sockets_of(std::uint16_t port) {
  auto now = sockets::query({.udp = false, .ipv6 = false, .ports = {{port, port}}});
  if (!now) return unexpected(now.error());
  return std::move(now->rows);
}

void show(classroom& in, std::string_view moment, const rows& shown) {
  std::vector<sockets::marked_row> all;
  for (const sockets::row& each : shown) all.push_back({.row = each, .mark = sockets::mark::same});
  in.tell.show(fmt::format("{}:", moment));
  for (const std::string& line : sockets::make_table(all, {})) in.tell.show(line);
}

result<rows> look(classroom& in, std::string_view moment, std::uint16_t port) {
  auto now = sockets_of(port);
  if (now) show(in, moment, *now);
  return now;
}

/// The socket with these two ports, or null.
const sockets::entry* find(const rows& all, std::uint16_t local, std::uint16_t remote) {
  const auto found = std::ranges::find_if(
      all, [&](const sockets::row& one) { return one.socket.local.port == local && one.socket.remote.port == remote; });
  return found == all.end() ? nullptr : &found->socket;
}

bool is(const sockets::entry* one, state wanted) { return one != nullptr && one->state == wanted; }

/// Repeats the snapshot until `holds` is true, at most for `patience`. Fails when cancelled.
template <class Holds>
asio::awaitable<result<rows>> look_until(std::uint16_t port, Holds holds) {
  const time_point end = clock::now() + patience;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (true) {
    auto now = sockets_of(port);
    if (!now || holds(*now) || clock::now() >= end) co_return now;
    pause.expires_after(std::chrono::milliseconds(10));
    if (const auto [error] = co_await pause.async_wait(net::use_tuple); error) co_return fail(error, "look at sockets");
  }
}

}  // namespace

step_result watched_sockets(classroom& in) {
  in.tell.say(
      "On Windows CurrPorts lists the sockets, here netlab sockets does: one line per socket, so a connection within "
      "one machine has two lines. Again, this server calls accept() only when we tell it to.");
  auto listening = listen_here(co_await asio::this_coro::executor);
  if (!listening) co_return unexpected(listening.error());
  const std::uint16_t port = listening->local_endpoint().port();
  in.show_command(fmt::format("netlab sockets --port {} --tcp", port));
  auto client = co_await connect_to(port);
  if (!client) co_return unexpected(client.error());
  const std::uint16_t mine = client->local_endpoint().port();
  if (const auto come = co_await becomes_readable(*listening); !come) co_return unexpected(come.error());
  const auto queued = look(in, "the client has called connect()", port);
  if (!queued) {
    in.tell.say("This system does not list its sockets.");
    co_return result<void>();
  }
  const sockets::entry* listener = find(*queued, port, 0);
  in.tell.check("both ends are established, and one connection waits in the listening socket's queue",
                is(listener, state::listen) && listener->recv_queue == 1 &&
                    is(find(*queued, port, mine), state::established) &&
                    is(find(*queued, mine, port), state::established));

  auto [error, server] = co_await listening->async_accept(net::use_tuple);
  if (!error) server.non_blocking(true, error);
  if (error) co_return fail(error, "accept");
  if (auto done = co_await send_all(*client, bytes(20)); !done) co_return done;
  if (const auto come = co_await has_received(server, 20); !come) co_return unexpected(come.error());
  const auto unread = look(in, "accept(), and the client's send(20)", port);
  if (!unread) co_return unexpected(unread.error());
  listener = find(*unread, port, 0);
  const sockets::entry* const received = find(*unread, port, mine);
  in.tell.check("the queue is empty; 20 octets wait for the server's recv()",
                is(listener, state::listen) && listener->recv_queue == 0 && is(received, state::established) &&
                    received->recv_queue == 20);

  bytes taken(20);
  const one_call read = receive_now(server, taken);
  client->close(error);
  if (const auto come = co_await becomes_readable(server); !come) co_return unexpected(come.error());
  const auto half = look(in, "recv(), and the client's close()", port);
  if (!half) co_return unexpected(half.error());
  const sockets::entry* const closing = find(*half, mine, port);
  in.tell.check("the client has sent FIN; the server's end waits for its own close()",
                read.size == 20 && (is(closing, state::fin_wait_1) || is(closing, state::fin_wait_2)) &&
                    is(find(*half, port, mine), state::close_wait));

  server.close(error);
  const auto last =
      co_await look_until(port, [&](const rows& now) { return is(find(now, mine, port), state::time_wait); });
  if (!last) co_return unexpected(last.error());
  show(in, "the server's close()", *last);
  in.tell.check("the server's socket is gone; the client's socket, which closed first, stays in time-wait for a minute",
                find(*last, port, mine) == nullptr && is(find(*last, mine, port), state::time_wait));
  co_return result<void>();
}

}  // namespace netlab::lab
