// SPDX-License-Identifier: MIT
#include "simple/io/echo_query.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/drive.hpp"
#include "net/expiry.hpp"
#include "net/icmp.hpp"
#include "simple/echo_client.hpp"

namespace netlab::simple {

using net::tcp;
using net::udp;

namespace {

asio::awaitable<result<echo_query_reply>> query_tcp(const echo_query_options& options, const net::destination& to,
                                                    const net::dial_options& dial, bytes message) {
  auto socket = co_await net::dial_tcp(to, dial);
  if (!socket) co_return unexpected(socket.error());
  echo_query_reply reply{.octets = {}, .where = net::ends_of(*socket)};
  const time_point begin = clock::now();
  echo_client session(std::move(message), options.timeout, begin);
  net::driver<tcp::socket> drive(*socket, session, {});
  const std::error_code error = co_await drive.run();
  reply.elapsed = clock::now() - begin;
  if (!session.done()) co_return fail(error, {});
  if (!session.outcome()) co_return unexpected(session.outcome().error());
  reply.octets.assign(session.reply().begin(), session.reply().end());
  co_return reply;
}

/// Queries one address. Fails with error_class::unavailable if nothing listens there (ICMP). A refused port is final,
/// because the host itself reports it. An unreachable host or network may be temporary (RFC 1122 §3.2.2.1): the query
/// fails with it only after the last retransmission, or if no reply has arrived in the end.
asio::awaitable<result<echo_query_reply>> query_address(const echo_query_options& options, udp::socket& socket,
                                                        const bytes& message) {
  echo_query_reply reply{.octets = bytes(64 * 1024), .where = net::ends_of(socket)};
  const time_point begin = clock::now();
  const duration interval = options.timeout / (options.retries + 1);
  std::error_code unreachable;
  for (unsigned sends = 1; sends <= options.retries + 1; ++sends) {
    const std::error_code error = net::send_past_icmp(socket, asio::buffer(message), unreachable);
    if (unreachable == std::errc::connection_refused) co_return fail(unreachable, {});
    if (error) co_return fail(error, {});
    const time_point until = begin + interval * sends;
    const net::expiry limit(socket, until);
    for (;;) {
      const auto [received, size] = co_await socket.async_receive(asio::buffer(reply.octets), net::use_tuple);
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
        co_return fail(asio::error::operation_aborted, {});
      if (received && clock::now() >= until) break;
      if (received) {
        const std::error_code icmp_error = net::take_icmp_error(socket);
        if (!icmp_error) co_return fail(received, {});
        unreachable = icmp_error;
        if (icmp_error == std::errc::connection_refused || sends > options.retries) co_return fail(icmp_error, {});
        continue;
      }
      reply.elapsed = clock::now() - begin;
      reply.octets.resize(size);
      if (const auto same = compare_echo(message, reply.octets); !same) co_return unexpected(same.error());
      co_return reply;
    }
  }
  if (unreachable) co_return fail(unreachable, {});
  co_return fail(errc::timed_out, fmt::format("no reply within {} to {}", to_string(options.timeout),
                                              count_of(options.retries + 1, "datagram")));
}

asio::awaitable<result<echo_query_reply>> query_udp(const echo_query_options& options, const net::destination& to,
                                                    const net::dial_options& dial, bytes message) {
  result<echo_query_reply> reply = fail(errc::no_such_host, {});
  for (const asio::ip::address& address : to.addresses) {
    auto socket = net::dial_udp(co_await asio::this_coro::executor, to, address, dial);
    if (!socket) {
      reply = unexpected(socket.error());
      continue;
    }
    net::want_icmp_errors(*socket);
    reply = co_await query_address(options, *socket, message);
    if (reply || classify(reply.error().code) != error_class::unavailable) break;
  }
  co_return reply;
}

}  // namespace

asio::awaitable<result<echo_query_reply>> query_echo(echo_query_options options, bytes message) {
  const bool is_udp = options.protocol == net::transport::udp;
  if (is_udp && message.size() > net::max_datagram)
    co_return fail(errc::bad_data, fmt::format("{} do not fit into a datagram", count_of(message.size(), "octet")),
                   fmt::format("at most {}", net::max_datagram));
  const auto dial = net::dial_options::of(options);
  const auto to = co_await net::find(options.host, options.port, dial);
  if (!to) co_return unexpected(to.error());
  // No conditional expression with co_await here: g++ 12 destroys the temporaries of both operands.
  auto asking =
      is_udp ? query_udp(options, *to, dial, std::move(message)) : query_tcp(options, *to, dial, std::move(message));
  auto reply = co_await std::move(asking);
  if (!reply) reply = unexpected(net::with_context(std::move(reply.error()), options.host, options.port));
  co_return reply;
}

}  // namespace netlab::simple
