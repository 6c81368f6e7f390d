// SPDX-License-Identifier: MIT
#include "simple/io/serve.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace netlab;

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
