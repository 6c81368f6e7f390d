// SPDX-License-Identifier: MIT
// Exercise 2 over TCP.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "lab/tour/recorded_answers.hpp"
#include "lab/tour/scan_room.hpp"
#include "lab/tour/segments.hpp"
#include "lab/tour/system_counters.hpp"
#include "lab/tour/talk.hpp"

namespace netlab::lab {

using scan::port_state;
using scan::reason;
using scan::transport;

namespace {

/// The answer where packets cannot be recorded.
step_result count_packets(scan_room& in) {
  in.tell.say(
      "The packets, without Wireshark: a connection counts its segments, and the system all the resets that it sends "
      "(/proc/net/snmp, OutRsts).");
  auto open = co_await connect_to(in.echo_at());
  if (!open) co_return unexpected(open.error());
  if (const auto count = segments_of(open->native_handle())) {
    in.tell.show(fmt::format("connect() to port {:<5}  returns; {} segments out (SYN, ACK), {} in (SYN+ACK)",
                             in.echo_at(), count->out, count->in));
    in.tell.check("an open port: three packets", count->out >= 2 && count->in >= 1);
  } else {
    in.tell.say("This system does not count a connection's segments.");
  }
  const auto before = system_counter("Tcp", "OutRsts");
  net::tcp::socket refused(co_await asio::this_coro::executor, net::tcp::v4());
  const auto error = co_await connect_on(refused, {asio::ip::address_v4::loopback(), in.closed_at()});
  if (!error) co_return unexpected(error.error());
  const auto after = system_counter("Tcp", "OutRsts");
  if (before && after) {
    in.tell.show(fmt::format("connect() to port {:<5}  fails; resets sent by this system: {} before, {} after",
                             in.closed_at(), *before, *after));
    in.tell.check("a closed port: SYN, and a reset in return", *error && *after > *before);
  } else {
    in.tell.say("This system does not say how many resets it sends.");
  }
  co_return result<void>();
}

}  // namespace

step_result handshake(scan_room& in) {
  in.tell.say(
      "A scan is a connect() to every port. Open: SYN, SYN+ACK, ACK; connect() returns, and the scan closes the "
      "connection with RST. Closed: SYN, and the system answers RST+ACK, because no program listens; connect() fails "
      "at once. Both are answers, so the host is up.");
  const port_list ports{in.echo_at(), in.closed_at()};
  in.show_scan("tcp --no-banner --no-send --all -v", ports);
  auto options = scan_of(ports, {});
  const auto found = co_await run_scan(std::move(options));
  if (!found) co_return unexpected(found.error());
  in.show(*found, true);
  in.tell.check("the echo service's port is open (syn-ack), the other one closed (reset)",
                has(*found, transport::tcp, in.echo_at(), port_state::open, reason::syn_ack) &&
                    has(*found, transport::tcp, in.closed_at(), port_state::closed, reason::reset));

  const auto recorded = co_await in.record(demo::ports);
  if (!recorded) co_return unexpected(recorded.error());
  if (*recorded == nullptr) co_return co_await count_packets(in);
  tell_tcp_ports(in.tell, **recorded);
  co_return result<void>();
}

step_result refusal(scan_room& in) {
  in.tell.say(
      "An error number. Linux calls it ECONNREFUSED, 111; Windows WSAECONNREFUSED, 10061; Python raises "
      "ConnectionRefusedError on both.");
  net::tcp::socket socket(co_await asio::this_coro::executor, net::tcp::v4());
  const auto error = co_await connect_on(socket, {asio::ip::address_v4::loopback(), in.closed_at()});
  if (!error) co_return unexpected(error.error());
  in.tell.show(fmt::format("connect() to port {}: {} ({})", in.closed_at(), message_of(*error), error->value()));
  auto options = scan_of({in.closed_at()}, {});
  const auto found = co_await run_scan(std::move(options));
  if (!found) co_return unexpected(found.error());
  in.tell.check("connect() failed with ECONNREFUSED, and the scan reports the same error with Windows' 10061",
                *error == std::errc::connection_refused && is_error(*found, ECONNREFUSED, 10061));
  co_return result<void>();
}

step_result tcp_silence(scan_room& in) {
  in.tell.say(
      "Neither SYN+ACK nor RST: a firewall drops the SYN, or no host has the address. (Here it is a server that does "
      "not call accept() and whose queue is full: its system drops the SYN as well.) connect() alone would wait one or "
      "two minutes, while the system sends the SYN again and again; so a scan has a timeout of its own, and asks a "
      "second time before it says filtered. ETIMEDOUT is 110, on Windows WSAETIMEDOUT, 10060.");
  in.show_scan(fmt::format("tcp --timeout {}ms -v", scan_silence.count()), {in.silent_at()});
  auto options = scan_of({in.silent_at()}, {}, scan_silence);
  const auto found = co_await run_scan(std::move(options));
  if (!found) co_return unexpected(found.error());
  in.show(*found, true);
  in.tell.check("the port is filtered (no-response), and the error is a timeout",
                has(*found, transport::tcp, in.silent_at(), port_state::filtered, reason::no_response) &&
                    is_error(*found, ETIMEDOUT, 10060));
  co_return result<void>();
}

step_result in_parallel(scan_room& in) {
  in.tell.say(
      "If they are scanned one after the other, each silent port costs its timeout. A scan therefore uses many sockets "
      "at once: non-blocking ones, or a thread for each connect(). Then all wait at the same time.");
  const port_list ports = in.silent_ports();
  const auto in_a_row = 2 * ports.size() * scan_silence;
  const time_point begin = clock::now();
  auto options = scan_of(ports, {}, scan_silence);
  const auto found = co_await run_scan(std::move(options));
  if (!found) co_return unexpected(found.error());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begin);
  const auto all_filtered =
      std::ranges::all_of(*found, [](const scan::finding& one) { return one.state == port_state::filtered; });
  in.tell.show(fmt::format("{} filtered in {} ms; one after the other, each asked twice: {} ms",
                           count_of(found->size(), "port"), took.count(), in_a_row.count()));
  in.tell.check("together they took less time than one after the other",
                found->size() == ports.size() && all_filtered && took < in_a_row);
  co_return result<void>();
}

step_result messages(scan_room& in) {
  in.tell.say(
      "An open port does not show which service runs there, and its registered name is only a convention. So the scan "
      "waits to see whether the service speaks first, as mail servers do, and then sends a line. The echo service "
      "sends it back; the calculation service treats it as a line from telnet.");
  const port_list ports{in.echo_at(), in.calc_at()};
  in.show_scan("tcp", ports);
  auto options = scan_of(ports, {});
  options.listen = true;
  options.message = scan_message;
  const auto found = co_await run_scan(std::move(options));
  if (!found) co_return unexpected(found.error());
  in.show(*found, false);
  const auto at = [&](std::uint16_t port) { return std::ranges::find(*found, port, &scan::finding::port); };
  const auto from_echo = at(in.echo_at());
  const auto from_calc = at(in.calc_at());
  in.tell.check("the echo is recognised, and the calculation service answers with a line of its own",
                from_echo != found->end() && from_echo->is_echo && from_calc != found->end() && !from_calc->is_echo &&
                    from_calc->reply.starts_with("error: "));
  co_return result<void>();
}

step_result stopped_early(scan_room& in) {
  in.tell.say(
      "Ctrl-C in the middle: what is known is printed, and a port that was asked but has not answered is unknown "
      "(not-finished), because the scan has not waited long enough to call it filtered.");
  const port_list ports{in.echo_at(), in.closed_at(), in.silent_at()};
  in.show_scan("tcp --no-banner --no-send --all", ports);
  const auto all_but_one = [](std::span<const scan::finding> known) { return known.size() == 2; };
  auto options = scan_of(ports, {});
  const auto found = co_await run_scan(std::move(options), all_but_one);
  if (!found) co_return unexpected(found.error());
  in.show(*found, false, "interrupted");
  in.tell.check("two ports are known, and the third is reported as unknown",
                has(*found, transport::tcp, in.echo_at(), port_state::open, reason::syn_ack) &&
                    has(*found, transport::tcp, in.closed_at(), port_state::closed, reason::reset) &&
                    has(*found, transport::tcp, in.silent_at(), port_state::unknown, reason::not_finished));
  co_return result<void>();
}

}  // namespace netlab::lab
