// SPDX-License-Identifier: MIT
// Exercise 1: which call sends which packets: by a recording; or each call is made alone, with the system's counters
// read before and after.
#include <fmt/format.h>

#include <cerrno>

#include "base/text.hpp"
#include "lab/tour/calc_steps.hpp"
#include "lab/tour/odd_ports.hpp"
#include "lab/tour/recorded_answers.hpp"
#include "lab/tour/segments.hpp"
#include "lab/tour/talk.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t request_size = 20;  // SUM 1 2 3
constexpr std::size_t answer_size = 8;

/// The segment counters of both ends of a connection; the server's end exists after accept().
class ladder {
 public:
  ladder(narrator& tell, net::tcp::socket& client) : tell_(tell), client_(client) {
    tell_.show(fmt::format("{:<19} {:<8} {}", "", "client", "server"));
    tell_.show(fmt::format("{:<19} {:<8} {:<8} {}", "call", "out  in", "out  in", "on the wire"));
  }

  void accepted(net::tcp::socket& server) {
    server_ = &server;
    last_server_ = look(server);
  }

  /// The server's socket is closed and has no counters any more.
  void closed() { server_ = nullptr; }

  /// Shows the changes of the counters since the last row.
  void row(std::string_view call, std::string_view on_the_wire) {
    client_change = change_of(client_, last_client_);
    std::string server;
    if (server_ != nullptr) {
      server_change = change_of(*server_, last_server_);
      server = in_words(server_change);
    }
    tell_.show(fmt::format("{:<19} {:<8} {:<8} {}", call, in_words(client_change), server, on_the_wire));
  }

  segments client_change;
  segments server_change;

 private:
  static segments look(net::tcp::socket& socket) { return segments_of(socket.native_handle()).value_or(segments{}); }
  static segments change_of(net::tcp::socket& socket, segments& last) {
    const segments now = look(socket);
    const segments change{.out = now.out - last.out,
                          .in = now.in - last.in,
                          .data_out = now.data_out - last.data_out,
                          .data_in = now.data_in - last.data_in,
                          .state = now.state};
    last = now;
    return change;
  }
  static std::string in_words(const segments& change) { return fmt::format("{:>3}{:>4}", change.out, change.in); }

  narrator& tell_;
  net::tcp::socket& client_;
  net::tcp::socket* server_ = nullptr;
  segments last_client_{};
  segments last_server_{};
};

std::string state_of(const net::tcp::socket& socket) {
  const auto about = segments_of(const_cast<net::tcp::socket&>(socket).native_handle());
  return about ? std::string(sockets::name_of(sockets::transport::tcp, about->state)) : "unknown";
}

/// The answer where packets cannot be recorded.
step_result count_segments(classroom& in) {
  in.tell.say(
      "Without Wireshark: the system counts the segments of every connection (tcp(7), TCP_INFO), so we make one call "
      "at a time and look at what it has changed. This server is not the calculation service: it calls accept() only "
      "when we tell it to.");
  auto listening = listen_here(co_await asio::this_coro::executor);
  if (!listening) co_return unexpected(listening.error());
  auto client = co_await connect_to(listening->local_endpoint().port());
  if (!client) co_return unexpected(client.error());
  if (!segments_of(client->native_handle())) {
    in.tell.say("This system does not count segments, so this step cannot show the answer.");
    co_return result<void>();
  }
  ladder table(in.tell, *client);
  table.row("client connect()", "SYN >, < SYN+ACK, ACK >");
  const bool shook_hands = table.client_change.out >= 2 && table.client_change.in >= 1;

  auto [error, server] = co_await listening->async_accept(net::use_tuple);
  if (!error) server.non_blocking(true, error);
  if (error) co_return fail(error, "accept");
  table.row("server accept()", "nothing");
  const bool is_silent = table.client_change.out == 0 && table.client_change.in == 0;
  table.accepted(server);

  const bytes request(request_size);
  const bytes answer(answer_size);
  if (auto done = co_await send_all(*client, request); !done) co_return done;
  const auto asked = co_await has_received(server, request.size());
  if (!asked) co_return unexpected(asked.error());
  table.row(fmt::format("client send({})", request.size()), fmt::format("{} octets >, < ACK", request.size()));
  bool one_segment_each = table.client_change.data_out == 1 && table.server_change.data_in == 1;

  bytes taken(request_size);
  const one_call first = receive_now(server, taken);
  table.row(fmt::format("server recv() = {}", first.size), "nothing");
  bool recv_sends_no_data = table.server_change.data_out == 0 && table.client_change.data_out == 0;

  if (auto done = co_await send_all(server, answer); !done) co_return done;
  const auto answered = co_await has_received(*client, answer.size());
  if (!answered) co_return unexpected(answered.error());
  table.row(fmt::format("server send({})", answer.size()), fmt::format("< {} octets, ACK >", answer.size()));
  one_segment_each = one_segment_each && table.server_change.data_out == 1 && table.client_change.data_in == 1;

  const one_call second = receive_now(*client, taken);
  table.row(fmt::format("client recv() = {}", second.size), "nothing");
  recv_sends_no_data = recv_sends_no_data && table.client_change.data_out == 0 && table.server_change.data_out == 0;

  client->shutdown(net::tcp::socket::shutdown_send, error);
  if (error) co_return fail(error, "shutdown");
  const auto ended = co_await becomes_readable(server);
  if (!ended) co_return unexpected(ended.error());
  table.row("client shutdown()", "FIN >");
  const bool fin_is_empty = table.client_change.out >= 1 && table.client_change.data_out == 0 &&
                            table.server_change.in >= 1 && table.server_change.data_in == 0;
  const std::string states = fmt::format("client {}, server {}", state_of(*client), state_of(server));
  const bool half_closed = table.server_change.state == sockets::state::close_wait;

  const one_call last = receive_now(server, taken);
  table.row("server recv() = 0", "nothing");
  server.close(error);
  const auto closed = co_await becomes_readable(*client);
  if (!closed) co_return unexpected(closed.error());
  table.closed();
  table.row("server close()", "< FIN, ACK >");
  const one_call end = receive_now(*client, taken);
  table.row("client recv() = 0", "nothing");

  in.tell.check("connect() sent SYN and ACK and received SYN+ACK; the server had not called accept() yet", shook_hands);
  in.tell.say("So the server's operating system sent the SYN+ACK, because of listen().");
  in.tell.check("accept() sent nothing: it takes a finished connection out of a queue", is_silent);
  in.tell.check("each send() was one segment with data; recv() only fetched what was there",
                one_segment_each && recv_sends_no_data && first.size == request_size && second.size == answer_size);
  in.tell.check(fmt::format("shutdown() sent FIN, a segment without data ({})", states), fin_is_empty && half_closed);
  in.tell.check("the FIN made the server's recv() return 0, and the server's close() did the same to the client",
                last.is_end() && end.is_end());
  in.tell.say(
      "No call sends a pure ACK: the systems do, at once or with the next data. So an ACK says that the other system "
      "has the octets, not that its program has read them.");
  co_return result<void>();
}

/// The answer where packets cannot be recorded.
step_result try_calls(classroom& in) {
  in.tell.say(
      "Here each call is made in a way that returns at once and says whether it would have waited: once before the "
      "packet that it waits for, once after it.");
  const auto row = [&](std::string_view call, std::string_view outcome, std::string_view why) {
    in.tell.show(fmt::format("{:<17} {:<12} {}", call, outcome, why));
  };
  const auto executor = co_await asio::this_coro::executor;

  // connect(): one socket gets an answer, one does not.
  auto silent = co_await silent_port::make();
  if (!silent) co_return unexpected(silent.error());
  auto listening = listen_here(executor);
  if (!listening) co_return unexpected(listening.error());
  net::tcp::socket waiting(executor, net::tcp::v4());
  std::error_code error;
  waiting.non_blocking(true, error);
  if (error) co_return fail(error, "set a socket's options");
  const net::tcp::endpoint nobody(asio::ip::address_v4::loopback(), silent->number());
  // The system call itself, because Asio's function waits for the result.
  const bool connect_waits =
      ::connect(waiting.native_handle(), nobody.data(), static_cast<socklen_t>(nobody.size())) != 0 &&
      errno == EINPROGRESS;

  net::tcp::socket server(executor);
  listening->accept(server, error);
  const bool accept_waits = error == asio::error::would_block;
  row("server accept()", accept_waits ? "would wait" : "returns", "nobody has connected");
  auto client = co_await connect_to(listening->local_endpoint().port());
  if (!client) co_return unexpected(client.error());
  const auto unanswered = segments_of(waiting.native_handle());
  const bool connect_still_waits =
      connect_waits && (!unanswered || (unanswered->state == sockets::state::syn_sent && unanswered->in == 0));
  row("client connect()", "returns", "SYN+ACK has come");
  row("client connect()", connect_still_waits ? "would wait" : "returns", "to a port that drops the SYN: no SYN+ACK");
  in.tell.check("connect() waits for SYN+ACK", connect_still_waits);

  const auto has_come = co_await becomes_readable(*listening);
  if (!has_come) co_return unexpected(has_come.error());
  error.clear();
  listening->accept(server, error);
  const bool accepted = !error;
  if (!error) server.non_blocking(true, error);
  if (error) co_return fail(error, "accept");
  row("server accept()", "returns", "the client's ACK has come, the handshake's third packet");
  in.tell.check("accept() waits for a handshake to be complete", accept_waits && accepted);

  bytes taken(request_size);
  const bytes request(request_size);
  const one_call before = receive_now(server, taken);
  row("server recv()", before.in_words(), "the client has sent nothing");
  if (auto done = co_await send_all(*client, request); !done) co_return done;
  const auto asked = co_await has_received(server, request.size());
  if (!asked) co_return unexpected(asked.error());
  const one_call after = receive_now(server, taken);
  row("server recv()", after.in_words(), "the segment with the request has come");
  const one_call early = receive_now(*client, taken);
  row("client recv()", early.in_words(), "the server has not answered");
  if (auto done = co_await send_all(server, bytes(answer_size)); !done) co_return done;
  const auto answered = co_await has_received(*client, answer_size);
  if (!answered) co_return unexpected(answered.error());
  const one_call late = receive_now(*client, taken);
  row("client recv()", late.in_words(), "the segment with the answer has come");
  in.tell.check("recv() waits for data",
                before.would_wait() && after.size == request_size && early.would_wait() && late.size == answer_size);

  const one_call idle = receive_now(server, taken);
  row("server recv()", idle.in_words(), "the client is idle");
  client->close(error);
  const auto ended = co_await becomes_readable(server);
  if (!ended) co_return unexpected(ended.error());
  const one_call end = receive_now(server, taken);
  row("server recv()", end.in_words(), "the client has called close(), FIN has come");
  in.tell.check("or for FIN, and then it returns 0", idle.would_wait() && end.is_end());
  co_return result<void>();
}

}  // namespace

step_result sending_calls(classroom& in) {
  const auto recorded = co_await in.record(demo::calculation);
  if (!recorded) co_return unexpected(recorded.error());
  if (*recorded == nullptr) co_return co_await count_segments(in);
  tell_sending_calls(in.tell, **recorded);
  co_return result<void>();
}

step_result completing_packets(classroom& in) {
  const auto recorded = co_await in.record(demo::calculation);
  if (!recorded) co_return unexpected(recorded.error());
  if (*recorded == nullptr) co_return co_await try_calls(in);
  tell_completing_packets(in.tell, **recorded);
  co_return result<void>();
}

step_result pieces(classroom& in) {
  in.tell.say(
      "TCP carries a stream of octets. It keeps their order, but not the boundaries between calls. Here a client "
      "sends a request of 20 octets in two calls, and then two requests at once.");
  auto both = co_await make_connection();
  if (!both) co_return unexpected(both.error());
  auto& [client, server] = *both;
  bytes request;
  calc::append_request(request, {.id = 1, .op = "SUM", .numbers = {1, 2, 3}}, byte_order::big);
  const bytes_view whole(request);
  bytes taken(4096);

  if (auto done = co_await send_all(client, whole.first(6)); !done) co_return done;
  if (const auto come = co_await has_received(server, 6); !come) co_return unexpected(come.error());
  const one_call first = receive_now(server, taken);
  in.tell.show(fmt::format("send(6)             recv() {:<11} {}", first.in_words(),
                           to_hex(bytes_view(taken).first(first.size), " ")));
  if (auto done = co_await send_all(client, whole.subspan(6)); !done) co_return done;
  if (const auto come = co_await has_received(server, request.size() - 6); !come) co_return unexpected(come.error());
  const one_call second = receive_now(server, taken);
  in.tell.show(fmt::format("send(14)            recv() {}", second.in_words()));
  in.tell.check("one request, two recv()", first.size == 6 && second.size == request.size() - 6);

  if (auto done = co_await send_all(client, whole); !done) co_return done;
  if (auto done = co_await send_all(client, whole); !done) co_return done;
  if (const auto come = co_await has_received(server, 2 * request.size()); !come) co_return unexpected(come.error());
  const one_call third = receive_now(server, taken);
  in.tell.show(fmt::format("send(20), send(20)  recv() {}", third.in_words()));
  in.tell.check("two requests, one recv()", third.size == 2 * request.size());

  in.tell.say(
      "A program that expects one request from each recv() works on its author's machine and fails across a network. "
      "The solution: read 8 octets, look at N, read 4 times N more, and keep the rest for the next request. The "
      "calculation server does this. Here it gets a request octet by octet:");
  auto socket = co_await connect_to(in.calc_at());
  if (!socket) co_return unexpected(socket.error());
  for (std::size_t at = 0; at < whole.size(); ++at)
    if (auto done = co_await send_all(*socket, whole.subspan(at, 1)); !done) co_return done;
  const auto reply = co_await receive(*socket, answer_size);
  if (!reply) co_return unexpected(reply.error());
  const bool is_right = reply->size() == answer_size && calc::decode_answer(*reply, byte_order::big).value == 6;
  in.tell.show(fmt::format("20 times send(1)    {}", is_right ? "answer 6" : to_hex(*reply, " ")));
  in.tell.check("20 segments, one request, the right answer", is_right);
  co_return result<void>();
}

}  // namespace netlab::lab
