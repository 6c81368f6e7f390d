// SPDX-License-Identifier: MIT
#include <catch2/catch_test_macros.hpp>

#include "simple/io/echo_query.hpp"
#include "simple/io/serve.hpp"
#include "support/failure.hpp"
#include "support/serving.hpp"
#include "support/socket.hpp"

namespace netlab::simple::echo_query_test {

using namespace test;
using namespace std::chrono_literals;
using net::transport;

namespace {

struct echoing {
  explicit echoing(simple::server_parameters parameters = {})
      : server(simple::echo, std::move(parameters), [](const std::string&) {}), serving(server, server.limits()) {}
  simple::server server;
  running serving;
};

bytes of_size(std::size_t size) {
  bytes made(size);
  for (std::size_t at = 0; at < size; ++at) made[at] = static_cast<std::byte>(at * 7 + at / 251);
  return made;
}

std::string ask(std::uint16_t port, transport over, const bytes& message, duration timeout = 20s) {
  const auto reply = outcome_of(
      simple::query_echo({.protocol = over, .host = "127.0.0.1", .port = port, .timeout = timeout}, message));
  if (!reply) return why(reply);
  return reply->octets == message ? "same" : "different";
}

std::string place(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port) + ": "; }

}  // namespace

TEST_CASE("echo: messages of every size come back, over TCP and UDP on one port", "[simple][loop]") {
  echoing here;
  for (const std::size_t size : {std::size_t{1}, std::size_t{1500}, net::max_datagram}) {
    CHECK(ask(here.serving.port(), transport::tcp, of_size(size)) == "same");
    CHECK(ask(here.serving.port(), transport::udp, of_size(size)) == "same");
  }
  CHECK(ask(here.serving.port(), transport::tcp, of_size(10'000'000)) == "same");
}

TEST_CASE("echo: an empty datagram comes back empty", "[simple][loop]") {
  echoing here;
  CHECK(ask(here.serving.port(), transport::udp, {}) == "same");
  CHECK(here.server.totals().datagrams == 1);
}

TEST_CASE("echo: what does not fit a datagram is not sent", "[simple][loop]") {
  echoing here;
  CHECK(ask(here.serving.port(), transport::udp, of_size(net::max_datagram + 1)) ==
        "65508 octets do not fit into a datagram (at most 65507)");
}

TEST_CASE("echo: a peer that shuts down its sending side gets everything back", "[simple][loop]") {
  echoing here;
  peer one = peer::tcp(here.serving.port());
  one.send("abc");
  one.end_output();
  CHECK(one.receive_all() == "abc");
}

TEST_CASE("echo: a wrong reply, none, and nobody there", "[simple][loop]") {
  scripted wrong(SOCK_DGRAM, [](bound_socket& socket) { reply(socket, receive_letter(socket), "x"); });
  CHECK(ask(wrong.port(), transport::udp, of_size(1)) ==
        place(wrong.port()) + "the reply differs from octet 0 on: 'x'");
  const bound_socket silent(SOCK_DGRAM);
  CHECK(ask(silent.port(), transport::udp, of_size(1), 90ms) ==
        place(silent.port()) + "no reply within 90 ms to 3 datagrams");
  std::uint16_t port = 0;
  {
    const bound_socket gone(SOCK_DGRAM);
    port = gone.port();
  }
  CHECK(ask(port, transport::udp, of_size(1)) == place(port) + "connection refused");
  CHECK(ask(port, transport::tcp, of_size(1)) == "connect " + place(port) + "connection refused");
}

}  // namespace netlab::simple::echo_query_test
