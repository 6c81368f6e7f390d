// SPDX-License-Identifier: MIT
// Exercise 2 over UDP.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "lab/tour/recorded_answers.hpp"
#include "lab/tour/scan_room.hpp"
#include "lab/tour/system_counters.hpp"
#include "lab/tour/talk.hpp"
#include "net/error_queue.hpp"

namespace netlab::lab {

using scan::port_state;
using scan::reason;
using scan::transport;

namespace {

/// The ICMP error about a datagram, if one arrived.
std::optional<net::queued_error> take_error(net::udp::socket& socket) {
  auto queued = net::take_queued_error(socket.native_handle());
  if (queued && !queued->is_icmp()) queued.reset();
  return queued;
}

std::string in_words(const std::optional<net::queued_error>& what) {
  if (!what) return "nothing";
  return fmt::format("ICMP type {}, code {}: {} ({})", what->type, what->code,
                     message_of({what->system_error, std::system_category()}), what->system_error);
}

/// The errno of one non-blocking recv(); 0 if a datagram was received.
int receive_now(net::udp::socket& socket) {
  char octet{};
  return ::recv(socket.native_handle(), &octet, 1, MSG_DONTWAIT) < 0 ? errno : 0;
}

}  // namespace

step_result over_udp(scan_room& in) {
  in.tell.say(
      "No handshake: one datagram goes out. Open: what comes back is the service's own answer. Closed: the system "
      "sends ICMP type 3, code 3 (port unreachable), which has the first octets of the datagram in it, so that the "
      "sender's system can find the socket. The next call on that socket fails: on Linux with ECONNREFUSED, on "
      "Windows "
      "with WSAECONNRESET, 10054, although nothing was ever connected.");
  const port_list ports{in.echo_at(), in.closed_at()};
  in.show_scan("udp --all -v", ports);
  auto what = scan_of({}, ports);
  what.message = scan_message;
  const auto found = co_await run_scan(what);
  if (!found) co_return unexpected(found.error());
  in.show(*found, true);
  in.tell.check("the echo service's port is open (reply), the other one closed (port-unreachable)",
                has(*found, transport::udp, in.echo_at(), port_state::open, reason::reply) &&
                    has(*found, transport::udp, in.closed_at(), port_state::closed, reason::port_unreachable));
  what.udp_ports = {in.closed_at()};
  const auto refused = co_await run_scan(std::move(what));
  if (!refused) co_return unexpected(refused.error());
  in.tell.check("its error is ECONNREFUSED here and 10054 on Windows", is_error(*refused, ECONNREFUSED, 10054));

  const auto recorded = co_await in.record(demo::ports);
  if (!recorded) co_return unexpected(recorded.error());
  if (*recorded != nullptr) tell_udp_ports(in.tell, **recorded);
  co_return result<void>();
}

step_result silence_or_icmp(scan_room& in) {
  in.tell.say(
      "By the error. But only a socket that is connected, or that has asked for errors (IP_RECVERR, ip(7)), gets one: "
      "with a plain sendto() Linux does not report ICMP errors, because the socket may write to many peers (Windows "
      "reports them to every socket: 10054). With IP_RECVERR the system also reports what the ICMP message was. Three "
      "sockets write, the first to a silent port, the others to a "
      "closed one:");
  const auto executor = co_await asio::this_coro::executor;
  net::udp::socket to_silent(executor, net::udp::v4());
  net::udp::socket plain(executor, net::udp::v4());
  net::udp::socket told(executor, net::udp::v4());
  for (net::udp::socket* const each : {&to_silent, &told}) net::want_error_queue(each->native_handle(), false);
  const asio::ip::address here = asio::ip::address_v4::loopback();
  std::error_code error;
  to_silent.send_to(asio::buffer(scan_message), {here, in.silent_at()}, 0, error);
  if (!error) plain.send_to(asio::buffer(scan_message), {here, in.closed_at()}, 0, error);
  if (!error) told.send_to(asio::buffer(scan_message), {here, in.closed_at()}, 0, error);
  if (error) co_return fail(error, "send a datagram");
  // Wait for the last socket's error; errors of the two before would have arrived by then.
  const auto come = co_await becomes_readable(told);
  if (!come) co_return unexpected(come.error());
  const auto refusal = take_error(told);
  const auto silence = take_error(to_silent);
  const int unheard = receive_now(plain);
  in.tell.show(fmt::format("port {:<5}  IP_RECVERR  {}", in.silent_at(), in_words(silence)));
  in.tell.show(fmt::format("port {:<5}  plain       recv() {}", in.closed_at(),
                           unheard == EAGAIN ? "would wait" : message_of({unheard, std::system_category()})));
  in.tell.show(fmt::format("port {:<5}  IP_RECVERR  {}", in.closed_at(), in_words(refusal)));
  in.tell.check("the closed port's system sent ICMP type 3, code 3: ECONNREFUSED",
                refusal && refusal->type == 3 && refusal->code == 3 && refusal->system_error == ECONNREFUSED);
  in.tell.check("from the silent port there is nothing, neither data nor error", !silence);
  in.tell.check("the plain socket would wait for ever, although the system knows that the port is closed",
                unheard == EAGAIN);
  co_return result<void>();
}

step_result udp_silence(scan_room& in) {
  in.tell.say(
      "It is different from TCP: a TCP server's system always answers, a UDP service only if it wants to. So silence "
      "means an open port, or a filter: open|filtered. And it means that only if a closed port would have caused an "
      "ICMP error: across a "
      "network a Linux host sends one ICMP error a second, after six at once, and a scan that asks faster finds "
      "closed ports silent. netlab probes a closed port together with the silent ones; if that port is silent, too, it "
      "says unknown.");
  const port_list ports{in.silent_at(), in.closed_at()};
  in.show_scan(fmt::format("udp --timeout {}ms --all", scan_silence.count()), ports);
  auto what = scan_of({}, ports, scan_silence);
  what.message = scan_message;
  const auto found = co_await run_scan(std::move(what));
  if (!found) co_return unexpected(found.error());
  in.show(*found, false);
  in.tell.check("the silent port is open|filtered, and the closed one is known to be closed",
                has(*found, transport::udp, in.silent_at(), port_state::open_filtered, reason::no_response) &&
                    has(*found, transport::udp, in.closed_at(), port_state::closed, reason::port_unreachable));
  co_return result<void>();
}

step_result unmoved(scan_room& in) {
  in.tell.say(
      "It drops everything that is not a request, and so the scan's line: the open port looks like a filtered one. It "
      "answers only its own protocol. That is why scans send DNS to 53 and NTP to 123; to 50000, the calculation "
      "service's usual "
      "port, netlab scan sends a request.");
  in.show_scan(fmt::format("udp --timeout {}ms", scan_silence.count()), {in.calc_at()});
  auto what = scan_of({}, {in.calc_at()}, scan_silence);
  what.message = scan_message;
  const auto dropped = in.totals().refused;
  const auto found = co_await run_scan(std::move(what));
  if (!found) co_return unexpected(found.error());
  in.show(*found, false);
  const auto counted = co_await in.refuses_more_than(dropped);
  if (!counted) co_return unexpected(counted.error());
  in.tell.check("the scan says open|filtered, and the server counted datagrams without an answer",
                has(*found, transport::udp, in.calc_at(), port_state::open_filtered, reason::no_response) && *counted);
  const calc::request asked{.id = 1, .op = "SUM", .numbers = {1, 2, 3}};
  const auto got = co_await in.ask(in.over(net::transport::udp), asked);
  if (!got) co_return unexpected(got.error());
  in.tell.check("a request is answered: the port was open all along", got->answer.value && *got->answer.value == 6);
  co_return result<void>();
}

step_result echoed(scan_room& in) {
  in.tell.say(
      "A client that knows only that a port is open can send it anything. The echo service sends the octets back "
      "unchanged, over UDP in one datagram, over TCP in pieces of any size.");
  bytes request;
  calc::append_request(request, {.id = 2, .op = "MAX", .numbers = {4, 9}}, byte_order::big);
  net::udp::socket socket(co_await asio::this_coro::executor, net::udp::v4());
  std::error_code error;
  socket.connect({asio::ip::address_v4::loopback(), in.echo_at()}, error);
  if (!error) socket.send(asio::buffer(request), 0, error);
  if (error) co_return fail(error, "send a datagram");
  const auto come = co_await becomes_readable(socket);
  if (!come) co_return unexpected(come.error());
  bytes datagram(2 * request.size());
  datagram.resize(*come ? socket.receive(asio::buffer(datagram), 0, error) : 0);

  auto stream = co_await connect_to(in.echo_at());
  if (!stream) co_return unexpected(stream.error());
  if (auto done = co_await send_all(*stream, request); !done) co_return done;
  const auto echo = co_await receive(*stream, request.size());
  if (!echo) co_return unexpected(echo.error());
  in.tell.show(fmt::format("sent      {}", to_hex(request, " ")));
  in.tell.show(fmt::format("over UDP  {}", to_hex(datagram, " ")));
  in.tell.show(fmt::format("over TCP  {}", to_hex(*echo, " ")));
  in.tell.check("each octet of the request came back, in the same order", datagram == request && *echo == request);

  auto how = in.over(net::transport::udp);
  how.port = in.echo_at();
  const calc::request asked{.id = 2, .op = "MAX", .numbers = {4, 9}};
  const auto got = co_await in.ask(how, asked);
  if (!got) co_return unexpected(got.error());
  in.tell.check("netlab's client detects the echo",
                !got->answer.value && got->answer.value.error().code == errc::peer_protocol);
  co_return result<void>();
}

step_result open_ports(scan_room& in) {
  in.tell.say(
      "One scan of this lab's four ports over both transports. Over TCP the state of each port is clear. Over UDP a "
      "line of text shows only that the echo service is open; the calculation service and the silent port look alike.");
  const port_list ports{in.echo_at(), in.calc_at(), in.closed_at(), in.silent_at()};
  in.show_scan(fmt::format("tcp udp --timeout {}ms --all", scan_silence.count()), ports);
  auto what = scan_of(ports, ports, scan_silence);
  what.message = scan_message;
  const auto found = co_await run_scan(std::move(what));
  if (!found) co_return unexpected(found.error());
  in.show(*found, false);
  port_list over_tcp;
  port_list over_udp;
  for (const scan::finding& each : *found)
    if (each.state == port_state::open) (each.protocol == transport::tcp ? over_tcp : over_udp).push_back(each.port);
  std::ranges::sort(over_tcp);
  port_list both{in.echo_at(), in.calc_at()};
  std::ranges::sort(both);
  in.tell.check("over TCP the echo and the calculation service are open", over_tcp == both);
  in.tell.check("over UDP the echo service is", over_udp == port_list{in.echo_at()});
  co_return result<void>();
}

}  // namespace netlab::lab
