// SPDX-License-Identifier: MIT
#include "connect/io/connect.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connect/io/inspect_tls.hpp"
#include "net/drive.hpp"
#include "net/expiry.hpp"
#include "net/icmp.hpp"

namespace netlab::connect {

using net::tcp;
using net::udp;

namespace {

// TLS 1.3 servers send session tickets after the handshake, at any time (RFC 8446 §4.6.1).
constexpr duration ticket_time = std::chrono::seconds(2);
constexpr std::size_t max_datagram = 65'507;  // over IPv4: 65,535 less both headers

failure with_context(failure why, const run_options& options) {
  if (why.context.empty()) why.context = net::to_string(options.host, options.port);
  return why;
}

/// An address literal (RFC 5321 §4.1.3), because a client may have no host name.
std::string helo_of(const tcp::socket& socket) {
  std::error_code ignored;
  const auto address = socket.local_endpoint(ignored).address();
  if (address.is_v4()) return fmt::format("[{}]", address.to_string());
  auto v6 = address.to_v6();
  v6.scope_id(0);
  return fmt::format("[IPv6:{}]", v6.to_string());
}

asio::awaitable<result<void>> agree_on_tls(const run_options& options, const run_events& events, tcp::socket& socket) {
  const starttls_trace trace = [&events](char who, std::string_view line) {
    events.detail(fmt::format("{}: {}", who, escape(line, 400)));
  };
  const auto talk = make_starttls({.protocol = *options.starttls,
                                   .host = options.sni.empty() ? options.host : options.sni,
                                   .helo = helo_of(socket),
                                   .timeout = options.timeout,
                                   .trace = trace},
                                  clock::now());
  net::driver<tcp::socket> drive(socket, *talk, {});
  const std::error_code error = co_await drive.run();
  const std::string context = fmt::format("STARTTLS with {}", net::to_string(options.host, options.port));
  if (!talk->done()) co_return fail(error, context);
  if (!talk->outcome()) {
    failure why = talk->outcome().error();
    why.context = context;
    co_return unexpected(std::move(why));
  }
  std::error_code ignored;
  if (socket.available(ignored) > 0) {
    failure why = injected();
    why.context = context;
    co_return unexpected(std::move(why));
  }
  co_return result<void>();
}

asio::awaitable<result<tcp::socket>> open_socket(const run_options& options, const run_events& events) {
  const net::dial_options dial{
      .local = options.local, .restrict_to = options.restrict_to, .deadline = clock::now() + options.timeout};
  auto to = co_await net::find(options.host, options.port, dial);
  if (!to) co_return unexpected(to.error());
  auto socket = co_await net::dial_tcp(*std::move(to), dial);
  if (!socket) co_return unexpected(socket.error());
  std::error_code ignored;
  events.detail(fmt::format("tcp {} -> {}", net::to_string(socket->local_endpoint(ignored)),
                            net::to_string(socket->remote_endpoint(ignored))));
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
  const auto executor = co_await asio::this_coro::executor;
  net::standard_stream input(executor, STDIN_FILENO, net::standard_stream::use::input);
  net::standard_stream output(executor, STDOUT_FILENO, net::standard_stream::use::output);
  relay<tls::stream> both(*made->stream, input, output, options.relay);
  auto totals = co_await both.run();
  if (totals && made->stream->was_truncated())
    events.warning("the peer closed the connection without close_notify: its data may be truncated");
  co_return totals;
}

asio::awaitable<result<relay_totals>> run_tcp(const run_options& options, const run_events& events) {
  auto socket = co_await open_socket(options, events);
  if (!socket) co_return unexpected(socket.error());
  const auto executor = co_await asio::this_coro::executor;
  net::standard_stream input(executor, STDIN_FILENO, net::standard_stream::use::input);
  net::standard_stream output(executor, STDOUT_FILENO, net::standard_stream::use::output);
  relay<tcp::socket> both(*socket, input, output, options.relay);
  co_return co_await both.run();
}

// ---- datagrams ----

struct datagram_relay {
  datagram_relay(udp::socket connected_socket, const relay_options& given_options,
                 const asio::any_io_executor& executor)
      : socket(std::move(connected_socket)),
        options(given_options),
        input(executor, STDIN_FILENO, net::standard_stream::use::input),
        output(executor, STDOUT_FILENO, net::standard_stream::use::output),
        sender_ended(executor) {
    sender_ended.expires_at(never);
  }

  /// Sends the result of each read as one datagram.
  asio::awaitable<void> send_all() {
    bytes buffer(max_datagram);
    std::string changed;
    crlf_writer line_ends;
    while (!ended) {
      // Inserting CRs may double the size.
      const auto size = co_await input.read(std::span(buffer).first(options.crlf ? max_datagram / 2 : max_datagram));
      if (ended) break;
      if (!size) trouble = size.error();
      if (!size || *size == 0) break;
      bytes_view octets = bytes_view(buffer).first(*size);
      if (options.crlf) {
        changed.clear();
        line_ends.append(changed, as_text(octets));
        octets = as_bytes(changed);
      }
      const auto [error, sent] = co_await socket.async_send(asio::buffer(octets.data(), octets.size()), net::use_tuple);
      if (error) {
        trouble = failure_of(error);
        break;
      }
      totals.sent += sent;
    }
    input_ended = true;
    progress = clock::now();
    std::error_code ignored;
    socket.cancel(ignored);  // receive_all() has to wait again, now with a deadline
    sender_done = true;
    sender_ended.cancel();
  }

  asio::awaitable<void> receive_all() {
    bytes buffer(max_datagram + 1);
    screen shown;
    while (!trouble) {
      const bool is_bounded = input_ended && options.idle_timeout != duration(0);
      const net::expiry limit(socket, is_bounded ? progress + options.idle_timeout : never);
      const auto [error, size] =
          co_await socket.async_receive(asio::buffer(buffer.data(), buffer.size()), net::use_tuple);
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state)) {
        trouble = failure(asio::error::operation_aborted, {}, {}, {});
        break;
      }
      if (limit.passed()) break;
      if (net::is_cancelled(error)) continue;
      if (error) {
        trouble = failure_of(error);
        break;
      }
      totals.received += size;
      progress = clock::now();
      bytes_view octets = bytes_view(buffer).first(size);
      std::string text;
      if (options.escape) {
        text = shown.show(as_text(octets)) + shown.rest();
        octets = as_bytes(text);
      }
      const std::error_code written = co_await output.write(octets);
      totals.reader_gone = written == std::errc::broken_pipe;
      if (totals.reader_gone) break;
      if (written) trouble = failure(written, "write to stdout");
    }
    ended = true;
    input.cancel();
    std::error_code ignored;
    socket.cancel(ignored);
    while (!sender_done) co_await sender_ended.async_wait(net::use_tuple);
  }

  /// The error of a failed call: the ICMP error if there is one, else `error`.
  [[nodiscard]] failure failure_of(std::error_code error) {
    const std::error_code icmp_error = net::take_icmp_error(socket);
    return {icmp_error ? icmp_error : error, {}, {}, {}};
  }

  udp::socket socket;
  relay_options options;
  net::standard_stream input;
  net::standard_stream output;
  asio::steady_timer sender_ended;
  relay_totals totals;
  std::optional<failure> trouble;
  time_point progress{};
  bool input_ended = false;
  bool sender_done = false;
  bool ended = false;
};

asio::awaitable<result<relay_totals>> run_udp(const run_options& options, const run_events& events) {
  const net::dial_options dial{
      .local = options.local, .restrict_to = options.restrict_to, .deadline = clock::now() + options.timeout};
  const auto to = co_await net::find(options.host, options.port, dial);
  if (!to) co_return unexpected(to.error());
  const auto executor = co_await asio::this_coro::executor;
  // Without a handshake, nothing shows whether an address works, so use the system's first choice.
  auto socket = net::dial_udp(executor, *to, to->addresses.front(), dial);
  if (!socket) co_return unexpected(socket.error());
  net::want_icmp_errors(*socket);
  std::error_code ignored;
  events.detail(fmt::format("udp {} -> {}", net::to_string(socket->local_endpoint(ignored)),
                            net::to_string(socket->remote_endpoint(ignored))));
  datagram_relay both(*std::move(socket), options.relay, executor);
  asio::co_spawn(executor, both.send_all(), net::rethrow);
  co_await both.receive_all();
  if (both.trouble) co_return unexpected(*both.trouble);
  co_return both.totals;
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
  if (!totals) co_return unexpected(with_context(totals.error(), options));
  if (options.protocol == net::transport::tcp && totals->received == 0 && !totals->reader_gone)
    events.warning(totals->peer_ended_last ? "the peer closed the connection without sending anything; it may treat "
                                             "the end of the input as the end of the session (try --keep-open)"
                                           : "the peer closed the connection without sending anything");
  events.detail(
      fmt::format("{} sent, {} received", count_of(totals->sent, "octet"), count_of(totals->received, "octet")));
  co_return totals;
}

}  // namespace netlab::connect
