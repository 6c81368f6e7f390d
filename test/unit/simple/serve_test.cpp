// SPDX-License-Identifier: MIT
#include "simple/io/serve.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::simple::serve_test {

namespace {

serve::datagram from_port(std::uint16_t port, std::string_view text) {
  return {.octets = as_bytes(text),
          .length = text.size(),
          .peer = {asio::ip::make_address("127.0.0.1"), port},
          .arrived = {}};
}

}  // namespace

TEST_CASE("echo serve: a datagram goes back as it came", "[simple][unit]") {
  simple::server server(simple::echo, {}, [](const std::string&) {});
  bytes reply;
  CHECK(server.answer(from_port(1024, "hello"), reply));
  CHECK(as_text(reply) == "hello");
  reply.clear();
  CHECK(server.answer(from_port(65535, ""), reply));
  CHECK(reply.empty());
  CHECK(server.totals().datagrams == 2);
  CHECK(server.totals().octets == 5);
}

TEST_CASE("simple serve: only a service that sends the time reads the clock", "[simple][unit]") {
  int readings = 0;
  const auto wall_clock = [&readings] {
    ++readings;
    return simple::wall_time{};
  };
  bytes reply;
  simple::server echo(simple::echo, {.wall_clock = wall_clock}, [](const std::string&) {});
  CHECK(echo.answer(from_port(1024, "hello"), reply));
  CHECK(readings == 0);
  reply.clear();
  simple::server daytime(simple::daytime, {.wall_clock = wall_clock}, [](const std::string&) {});
  CHECK(daytime.answer(from_port(1024, ""), reply));
  CHECK(readings == 1);
  CHECK(as_text(reply) == "Thursday, January 1, 1970 00:00:00-UTC\r\n");
}

TEST_CASE("echo serve: a datagram from a port below 1024 gets no echo: two services would talk for ever",
          "[simple][unit]") {
  simple::server server(simple::echo, {}, [](const std::string&) {});
  bytes reply;
  for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{7}, std::uint16_t{19}, std::uint16_t{1023}}) {
    CHECK_FALSE(server.answer(from_port(port, "hello"), reply));
    CHECK(reply.empty());
  }
  CHECK(server.totals().ignored == 4);
  CHECK(server.totals().datagrams == 0);
}

}  // namespace netlab::simple::serve_test
