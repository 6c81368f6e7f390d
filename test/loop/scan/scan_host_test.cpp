// SPDX-License-Identifier: MIT
#include "scan/io/scan_host.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include <catch2/catch_test_macros.hpp>

#include "support/socket.hpp"

namespace netlab::scan::scan_host_test {

using namespace std::chrono_literals;
using test::bound_socket;

namespace {

volatile std::sig_atomic_t signals_seen = 0;

/// A listener with a full queue, which drops every SYN.
struct full_listener {
  bound_socket listener{SOCK_STREAM, 1};
  netlab::test::peer one = netlab::test::peer::tcp(listener.port());
  netlab::test::peer other = netlab::test::peer::tcp(listener.port());
};

}  // namespace

TEST_CASE("scan_host: tells open, closed and silent ports apart, TCP before UDP, ascending", "[scan][scan_host]") {
  const bound_socket open(SOCK_STREAM);
  const full_listener silent;
  const bound_socket mute(SOCK_DGRAM);
  bound_socket taken(SOCK_DGRAM);  // connected to itself, so that it is closed for others
  const netlab::test::address itself("127.0.0.1", taken.port());
  REQUIRE(::connect(taken.fd(), itself.data(), itself.length) == 0);
  const auto found = scan_host({.host = address::v4(0x7f000001),
                                .tcp_ports = {silent.listener.port(), open.port()},
                                .udp_ports = {mute.port(), taken.port()},
                                .timeout = 200ms,
                                .listen = false});
  REQUIRE(found);
  REQUIRE(found->size() == 4);
  for (const finding& one : *found) {
    CAPTURE(one.port, name_of(one.protocol));
    CHECK(one.address == "127.0.0.1");
    if (one.protocol == transport::tcp) {
      CHECK(one.state == (one.port == open.port() ? port_state::open : port_state::filtered));
      CHECK(one.why == (one.port == open.port() ? reason::syn_ack : reason::no_response));
    } else {
      CHECK(one.state == (one.port == mute.port() ? port_state::open_filtered : port_state::closed));
      CHECK(one.system_error == (one.port == mute.port() ? ETIMEDOUT : ECONNREFUSED));
    }
  }
  CHECK(found->at(0).protocol == transport::tcp);
  CHECK(found->at(0).port < found->at(1).port);
  CHECK(found->at(2).protocol == transport::udp);
  CHECK(found->at(2).port < found->at(3).port);
}

TEST_CASE("scan_host: shows what an open port says and replies", "[scan][scan_host]") {
  netlab::test::scripted greeter(SOCK_STREAM, [](bound_socket& open) {
    netlab::test::peer guest = open.accept();
    guest.send("hello\n");
    const std::string said = guest.receive(4);
    guest.send(said + said);
    static_cast<void>(guest.hears_within(netlab::test::wait_limit_ms));  // until the scan closes it
  });
  const auto found =
      scan_host({.host = address::v4(0x7f000001), .tcp_ports = {greeter.port()}, .udp_ports = {}, .message = "abc\n"});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().banner == "hello\n");
  CHECK(found->front().reply.starts_with("abc\n"));
  CHECK(greeter.trouble().empty());
}

TEST_CASE("scan_host: stopped early, says of a port without an answer that it is not known", "[scan][scan_host]") {
  const full_listener silent;
  std::size_t asked = 0;
  const auto found = scan_host(
      {.host = address::v4(0x7f000001), .tcp_ports = {silent.listener.port()}, .udp_ports = {}, .timeout = 60s},
      [&](std::span<const finding> known) {
        ++asked;
        return known.empty();
      });
  REQUIRE(found);
  CHECK(asked == 1);
  REQUIRE(found->size() == 1);
  CHECK(found->front().state == port_state::unknown);
  CHECK(found->front().why == reason::not_finished);
}

TEST_CASE("scan_host: a signal ends it and still reaches the program", "[scan][scan_host]") {
  const full_listener silent;
  struct sigaction handler{};
  struct sigaction before{};
  handler.sa_handler = [](int) { signals_seen = signals_seen + 1; };
  REQUIRE(::sigaction(SIGINT, &handler, &before) == 0);
  signals_seen = 0;
  const auto found = scan_host(
      {.host = address::v4(0x7f000001), .tcp_ports = {silent.listener.port()}, .udp_ports = {}, .timeout = 60s},
      [](std::span<const finding>) {
        CHECK(signals_seen == 0);
        ::kill(::getpid(), SIGINT);
        return false;
      });
  REQUIRE(::sigaction(SIGINT, &before, nullptr) == 0);
  REQUIRE(found);
  CHECK(found->size() == 1);
  CHECK(signals_seen == 1);
}

}  // namespace netlab::scan::scan_host_test
