// SPDX-License-Identifier: MIT
#include "lab/tour/odd_ports.hpp"

#include <fmt/format.h>

#include "net/expiry.hpp"
#include "scan/payloads.hpp"

namespace netlab::lab {

using net::tcp;
using net::udp;

namespace {

constexpr auto guest_patience = std::chrono::seconds(5);
constexpr int number_tries = 20;  // tries to find a port that is free for TCP and UDP

// listen(2)'s backlog; the queue holds one more. With 0, the system would report a SYN flood.
constexpr int backlog = 1;
constexpr std::size_t queue_room = backlog + 1;

/// Binds both sockets to one port number for which a scan has no special payload.
template <class Tcp>
result<std::uint16_t> bind_both(Tcp& over_tcp, udp::socket& over_udp, const asio::any_io_executor& on) {
  std::error_code error = asio::error::address_in_use;
  for (int count = 0; count < number_tries; ++count) {
    over_tcp = Tcp(on);
    over_udp = udp::socket(on);
    over_tcp.open(tcp::v4(), error);
    if (!error) over_tcp.bind({asio::ip::address_v4::loopback(), 0}, error);
    if (error) break;
    const std::uint16_t number = over_tcp.local_endpoint(error).port();
    over_udp.open(udp::v4(), error);
    if (error) break;
    over_udp.bind({asio::ip::address_v4::loopback(), number}, error);
    if (!error && scan::payload_for(number).empty()) return number;
  }
  return fail(error, "bind to a free port of 127.0.0.1");
}

}  // namespace

result<closed_port> closed_port::make(const asio::any_io_executor& on) {
  tcp::socket over_tcp(on);
  udp::socket over_udp(on);
  const auto number = bind_both(over_tcp, over_udp, on);
  if (!number) return unexpected(number.error());
  std::error_code error;
  over_udp.connect({asio::ip::address_v4::loopback(), *number}, error);
  if (error) return fail(error, "connect a socket to itself");
  return closed_port(std::move(over_tcp), std::move(over_udp), *number);
}

asio::awaitable<result<silent_port>> silent_port::make() {
  const auto on = co_await asio::this_coro::executor;
  tcp::acceptor over_tcp(on);
  udp::socket over_udp(on);
  const auto number = bind_both(over_tcp, over_udp, on);
  if (!number) co_return unexpected(number.error());
  std::error_code error;
  over_tcp.listen(backlog, error);
  if (error) co_return fail(error, fmt::format("listen on port {}", *number));
  std::vector<tcp::socket> guests;
  for (std::size_t count = 0; count < queue_room; ++count) {
    tcp::socket& guest = guests.emplace_back(on);
    const net::expiry limit(guest, clock::now() + guest_patience);
    const tcp::endpoint to(asio::ip::address_v4::loopback(), *number);
    const auto [failed] = co_await guest.async_connect(to, net::use_tuple);
    if (failed) co_return fail(failed, fmt::format("fill the queue of port {}", *number));
  }
  co_return silent_port(std::move(over_tcp), std::move(guests), std::move(over_udp), *number);
}

}  // namespace netlab::lab
