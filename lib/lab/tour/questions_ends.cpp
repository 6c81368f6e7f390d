// SPDX-License-Identifier: MIT
// Exercise 1: the two ends of a connection: who knows them, who chooses them, and when a port is in use.
#include <fstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "lab/tour/calc_steps.hpp"
#include "lab/tour/port_range.hpp"
#include "lab/tour/talk.hpp"
#include "net/endpoint.hpp"
#include "simple/io/echo_query.hpp"

namespace netlab::lab {

using net::tcp;
using net::udp;

namespace {

constexpr int address_tries = 1000;  // ports to try on an address that is rarely used

/// `0.0.0.0:0` if the socket is not bound.
template <class Socket>
auto own_end_of(const Socket& socket) {
  std::error_code unbound;
  return socket.local_endpoint(unbound);
}

template <class Endpoint>
bool is_unset(const Endpoint& end) {
  return end.port() == 0 && end.address().is_unspecified();
}

/// The system's range of client ports, if known.
std::optional<port_range> system_port_range() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return parse_port_range(line);
}

}  // namespace

step_result own_end(classroom& in) {
  in.tell.say("It asks the system: getsockname(). In Python, sock.getsockname(). The peer's end is getpeername().");
  auto listening = listen_here(co_await asio::this_coro::executor);
  if (!listening) co_return unexpected(listening.error());
  tcp::socket client(co_await asio::this_coro::executor, tcp::v4());
  const tcp::endpoint before = own_end_of(client);
  in.tell.show(fmt::format("client getsockname()  {:<17} after socket()", net::to_string(before)));
  const auto failed = co_await connect_on(client, listening->local_endpoint());
  if (!failed) co_return unexpected(failed.error());
  if (*failed) co_return fail(*failed, "connect");
  const tcp::endpoint after = own_end_of(client);
  in.tell.show(fmt::format("client getsockname()  {:<17} after connect()", net::to_string(after)));
  const net::expiry limit(*listening, clock::now() + patience);
  auto [error, server] = co_await listening->async_accept(net::use_tuple);
  if (error) co_return fail(error, "accept");
  const tcp::endpoint seen = server.remote_endpoint(error);
  in.tell.show(fmt::format("server getpeername()  {:<17} after accept()", net::to_string(seen)));
  in.tell.check("a new socket has no address and no port; after connect() it has both, and the server sees the same",
                is_unset(before) && after.port() != 0 && after.address().is_loopback() && seen == after);
  co_return result<void>();
}

step_result chosen_end(classroom& in) {
  in.tell.say(
      "In connect(), before the first packet, unless bind() was called. The address is that of the interface through "
      "which the route to the server leads. The port is a free one from a range that the system reserves for clients.");
  const auto executor = co_await asio::this_coro::executor;
  const auto range = system_port_range();
  if (range) in.tell.show(fmt::format("$ cat /proc/sys/net/ipv4/ip_local_port_range"));
  if (range) in.tell.show(fmt::format("{} {}", range->first, range->last));
  bool in_range = true;
  for (int count = 0; count < 3; ++count) {
    auto socket = co_await connect_to(in.calc_at());
    if (!socket) co_return unexpected(socket.error());
    const tcp::endpoint mine = own_end_of(*socket);
    in.tell.show(
        fmt::format("connect() to {}:{} from {}", mine.address().to_string(), in.calc_at(), net::to_string(mine)));
    in_range = in_range && mine.port() != 0 && (!range || range->contains(mine.port()));
  }
  in.tell.check(range ? "every connect() got a port of that range" : "every connect() got a port", in_range);

  in.tell.say(
      "connect() on a UDP socket sends nothing at all: it only chooses the local end and stores the peer. So it is an "
      "easy way to find out which local address a route uses.");
  bool no_packet = true;
  std::vector<asio::ip::address> targets{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  std::size_t chosen = 0;
  for (const asio::ip::address& target : targets) {
    // Nothing reads from this socket, so any datagram that arrives stays in its buffer.
    std::error_code error;
    udp::socket silent(executor);
    const udp::endpoint to(target, 0);
    silent.open(to.protocol(), error);
    if (!error) silent.bind(to, error);
    if (error) continue;  // no IPv6 here
    udp::socket socket(executor, to.protocol());
    const udp::endpoint before = own_end_of(socket);
    socket.connect(own_end_of(silent), error);
    if (error) co_return fail(error, "connect a UDP socket");
    const udp::endpoint after = own_end_of(socket);
    in.tell.show(fmt::format("UDP connect() to {:<10} {:<9} before, {} after", target.to_string(),
                             net::to_string(before), net::to_string(after)));
    no_packet = no_packet && silent.available(error) == 0;
    if (is_unset(before) && after.address() == target && after.port() != 0)
      ++chosen;
    else
      no_packet = false;
  }
  udp::socket silent(executor, {asio::ip::address_v4::loopback(), 0});
  udp::socket sending(executor, udp::v4());
  std::error_code error;
  sending.send_to(asio::buffer("x", 1), silent.local_endpoint(), 0, error);
  if (error) co_return fail(error, "send a datagram");
  const udp::endpoint sender = own_end_of(sending);
  in.tell.show(fmt::format("UDP sendto() alone                    {} after", net::to_string(sender)));
  in.tell.check("UDP's connect() chose an address and a port, and no datagram was sent", no_packet && chosen >= 1);
  in.tell.check("sendto() alone chooses the port once, and the address for each datagram",
                sender.port() != 0 && sender.address().is_unspecified());
  co_return result<void>();
}

step_result bound_end(classroom& in) {
  in.tell.say(
      "With bind() before connect(). The address must be one of the machine's own (all of 127.0.0.0/8 are), and with "
      "port 0 the system chooses one. A server does the same: without bind(), clients would not know its port.");
  const auto executor = co_await asio::this_coro::executor;
  auto listening = listen_here(executor);
  if (!listening) co_return unexpected(listening.error());
  tcp::socket client(executor);
  std::error_code error = asio::error::address_in_use;
  tcp::endpoint wanted;
  for (int count = 0; count < address_tries && error == asio::error::address_in_use; ++count) {
    // A port of our own choice, which is rarely in use on such an address.
    wanted = {asio::ip::make_address("127.0.0.2"), static_cast<std::uint16_t>(40'000 + count)};
    client = tcp::socket(executor, tcp::v4());
    error.clear();
    client.bind(wanted, error);
  }
  if (error) co_return fail(error, "bind to a port of 127.0.0.2");
  in.tell.show(fmt::format("bind()         {}", net::to_string(wanted)));
  const tcp::endpoint bound = own_end_of(client);
  in.tell.show(fmt::format("getsockname()  {}, before any packet", net::to_string(bound)));

  tcp::socket second(executor, tcp::v4());
  second.bind(wanted, error);
  const std::error_code taken = to_standard(error);
  in.tell.show(fmt::format("bind()         {} by a second socket: {}", net::to_string(wanted),
                           error ? message_of(taken) : "done"));

  const auto failed = co_await connect_on(client, listening->local_endpoint());
  if (!failed) co_return unexpected(failed.error());
  const net::expiry limit(*listening, clock::now() + patience);
  auto [refused, server] = co_await listening->async_accept(net::use_tuple);
  if (refused) co_return fail(refused, "accept");
  const tcp::endpoint seen = server.remote_endpoint(error);
  in.tell.show(fmt::format("the server sees {}", net::to_string(seen)));
  in.tell.check("the server sees exactly the address and port of bind()", bound == wanted && seen == wanted);
  in.tell.check("no other socket may use them meanwhile: EADDRINUSE, on Windows 10048",
                taken == std::errc::address_in_use);
  in.tell.say(
      "netlab's clients do it with --bind ADDR[:PORT]. A client that binds a fixed port gains nothing, and fails "
      "when it is started twice.");
  co_return result<void>();
}

step_result one_number(classroom& in) {
  in.tell.say(
      "Yes. A port number belongs to a transport: TCP and UDP have separate port numbers. The server needs two "
      "sockets, a "
      "SOCK_STREAM with listen() and a SOCK_DGRAM without, each bound to the number.");
  for (const net::transport protocol : {net::transport::tcp, net::transport::udp}) {
    in.show_command(fmt::format("netlab echo query --{} --port {} hello", net::name_of(protocol), in.echo_at()));
    const std::string hello = "hello";
    const bytes_view octets = as_bytes(hello);
    const simple::echo_query_options options{.protocol = protocol, .port = in.echo_at(), .timeout = patience};
    bytes message(octets.begin(), octets.end());
    const auto reply = co_await simple::query_echo(options, std::move(message));
    if (!reply) co_return unexpected(reply.error());
    in.tell.show(escape(as_text(reply->octets)));
    in.tell.check(fmt::format("port {} echoes over {}", in.echo_at(), protocol == net::transport::tcp ? "TCP" : "UDP"),
                  as_text(reply->octets) == hello);
  }
  std::error_code error;
  tcp::socket second(co_await asio::this_coro::executor, tcp::v4());
  second.bind({asio::ip::address_v4::loopback(), in.echo_at()}, error);
  const std::error_code taken = to_standard(error);
  in.tell.show(fmt::format("bind() a third socket, TCP, to {}: {}", in.echo_at(), error ? message_of(taken) : "done"));
  in.tell.check("within one transport the number is in use", taken == std::errc::address_in_use);
  co_return result<void>();
}

}  // namespace netlab::lab
