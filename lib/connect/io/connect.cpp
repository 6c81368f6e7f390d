// SPDX-License-Identifier: MIT
#include "connect/io/connect.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connect/io/datagram_relay.hpp"
#include "connect/io/inspect_tls.hpp"
#include "net/drive.hpp"
#include "net/expiry.hpp"
#include "net/icmp.hpp"

namespace netlab::connect {

using net::tcp;

namespace {

// TLS 1.3 servers send session tickets after the handshake, at any time (RFC 8446 §4.6.1).
constexpr duration ticket_time = std::chrono::seconds(2);

asio::awaitable<result<void>> agree_on_tls(const run_options& options, const run_events& events, tcp::socket& socket) {
  const starttls_trace trace = [&events](char who, std::string_view line) {
    events.detail(fmt::format("{}: {}", who, escape(line, 400)));
  };
  std::error_code ignored;
  const auto negotiation = make_starttls({.protocol = *options.starttls,
                                          .host = options.sni.empty() ? options.host : options.sni,
                                          .helo = net::address_literal(socket.local_endpoint(ignored).address()),
                                          .timeout = options.timeout,
                                          .trace = trace},
                                         clock::now());
  net::driver<tcp::socket> drive(socket, *negotiation, {});
  const std::error_code error = co_await drive.run();
  const std::string context = fmt::format("STARTTLS with {}", net::to_string(options.host, options.port));
  if (!negotiation->done()) co_return fail(error, context);
  if (!negotiation->outcome()) {
    failure why = negotiation->outcome().error();
    why.context = context;
    co_return unexpected(std::move(why));
  }
  if (socket.available(ignored) > 0) {
    failure why = injected();
    why.context = context;
    co_return unexpected(std::move(why));
  }
  co_return result<void>();
}

template <class Socket>
void show_ends(net::transport protocol, const Socket& socket, const run_events& events) {
  const net::ends where = net::ends_of(socket);
  events.detail(fmt::format("{} {} -> {}", net::name_of(protocol), where.local, where.remote));
}

asio::awaitable<result<tcp::socket>> open_socket(const run_options& options, const run_events& events) {
  const auto dial = net::dial_options::of(options);
  auto to = co_await net::find(options.host, options.port, dial);
  if (!to) co_return unexpected(to.error());
  auto socket = co_await net::dial_tcp(*std::move(to), dial);
  if (!socket) co_return unexpected(socket.error());
  show_ends(net::transport::tcp, *socket, events);
  co_return socket;
}

struct secured {
  std::unique_ptr<bool> certificate_wanted = std::make_unique<bool>(false);  // must outlive the stream
  std::unique_ptr<tls::stream> stream;

  void report_to(const run_events& events) const { events.report(make_report(*stream, *certificate_wanted)); }
  /// The handshake did not finish, so it is not known whether the server requests a client certificate.
  void report_unfinished_to(const run_events& events) const { events.report(make_report(*stream, std::nullopt)); }
};

asio::awaitable<result<secured>> open_secure(const run_options& options, const run_events& events,
                                             const tls::context& context) {
  auto socket = co_await open_socket(options, events);
  if (!socket) co_return unexpected(socket.error());
  if (options.starttls) {
    auto agreed = co_await agree_on_tls(options, events, *socket);
    if (!agreed) co_return unexpected(agreed.error());
  }
  secured made;
  tls::peer peer{.host = options.host, .sni = options.sni};
  made.stream = std::make_unique<tls::stream>(*std::move(socket), context, std::move(peer));
  SSL_set_cert_cb(
      made.stream->native(),
      [](SSL*, void* wanted) {
        *static_cast<bool*>(wanted) = true;
        return 1;
      },
      made.certificate_wanted.get());
  auto handshake = co_await made.stream->handshake(clock::now() + options.timeout);
  if (!handshake) {
    // The report shows why the certificate is not verified; --show-certs shows which one would have to be trusted.
    const bool by_certificate =
        handshake.error().code == errc::not_permitted && made.stream->verification().code != X509_V_OK;
    if (by_certificate) made.report_unfinished_to(events);
    co_return unexpected(handshake.error());
  }
  co_return made;
}

/// Waits for a session ticket, if none has arrived yet.
asio::awaitable<void> wait_for_ticket(tls::stream& stream, duration most) {
  const time_point until = clock::now() + std::min(most, ticket_time);
  bytes ignored(16 * 1024);
  while (SSL_SESSION_is_resumable(SSL_get0_session(stream.native())) != 1 && clock::now() < until) {
    const net::expiry limit(stream.socket(), until);
    const auto [error, size] =
        co_await stream.async_read_some(asio::buffer(ignored.data(), ignored.size()), net::use_tuple);
    if (error) break;
  }
}

template <class Stream>
asio::awaitable<result<relay_totals>> relay_standard_streams(Stream& stream, const relay_options& options) {
  const auto executor = co_await asio::this_coro::executor;
  net::standard_stream input(executor, STDIN_FILENO, net::standard_stream::use::input);
  net::standard_stream output(executor, STDOUT_FILENO, net::standard_stream::use::output);
  relay<Stream> both(stream, input, output, options);
  co_return co_await both.run();
}

asio::awaitable<result<relay_totals>> run_tls(const run_options& options, const run_events& events) {
  const auto context = tls::context::client(options.trust);
  if (!context) co_return unexpected(context.error());
  auto made = co_await open_secure(options, events, *context);
  if (!made) co_return unexpected(made.error());
  made->report_to(events);
  if (options.reconnect) {
    tls::stream& first = *made->stream;
    co_await wait_for_ticket(first, options.timeout);
    const bool has_ticket = SSL_SESSION_is_resumable(SSL_get0_session(first.native())) == 1;
    first.close_notify();
    if (!has_ticket) events.warning("the server offered no session to resume");
    auto again = co_await open_secure(options, events, *context);
    if (!again) co_return unexpected(again.error());
    made = std::move(again);
    made->report_to(events);
    if (has_ticket && !made->stream->was_resumed()) events.warning("the server did not resume the session");
  }
  auto totals = co_await relay_standard_streams(*made->stream, options.relay);
  if (totals && made->stream->was_truncated())
    events.warning("the peer closed the connection without close_notify: its data may be truncated");
  co_return totals;
}

asio::awaitable<result<relay_totals>> run_tcp(const run_options& options, const run_events& events) {
  auto socket = co_await open_socket(options, events);
  if (!socket) co_return unexpected(socket.error());
  co_return co_await relay_standard_streams(*socket, options.relay);
}

asio::awaitable<result<relay_totals>> run_udp(const run_options& options, const run_events& events) {
  const auto dial = net::dial_options::of(options);
  const auto to = co_await net::find(options.host, options.port, dial);
  if (!to) co_return unexpected(to.error());
  const auto executor = co_await asio::this_coro::executor;
  // Without a handshake, nothing shows whether an address works, so use the system's first choice.
  auto socket = net::dial_udp(executor, *to, to->addresses.front(), dial);
  if (!socket) co_return unexpected(socket.error());
  net::want_icmp_errors(*socket);
  show_ends(net::transport::udp, *socket, events);
  datagram_relay both(*std::move(socket), options.relay, executor);
  co_return co_await both.run();
}

}  // namespace

asio::awaitable<result<relay_totals>> run(run_options options, run_events events) {
  // No conditional expression here: g++ 12 destroys the temporaries of both of its co_awaits.
  result<relay_totals> totals;
  if (options.protocol == net::transport::udp)
    totals = co_await run_udp(options, events);
  else if (options.tls || options.starttls)
    totals = co_await run_tls(options, events);
  else
    totals = co_await run_tcp(options, events);
  if (!totals) co_return unexpected(net::with_context(totals.error(), options.host, options.port));
  if (options.protocol == net::transport::tcp && totals->received == 0 && !totals->reader_gone)
    events.warning(totals->peer_ended_last ? "the peer closed the connection without sending anything; it may treat "
                                             "the end of the input as the end of the session (try --keep-open)"
                                           : "the peer closed the connection without sending anything");
  events.detail(
      fmt::format("{} sent, {} received", count_of(totals->sent, "octet"), count_of(totals->received, "octet")));
  co_return totals;
}

}  // namespace netlab::connect
