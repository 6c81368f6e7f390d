// SPDX-License-Identifier: MIT
#include "scan/banner_ports.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::banner_ports_test {

namespace {

finding open_port(const char* address, std::uint16_t port) {
  return {.host = "a name", .address = address, .port = port, .state = port_state::open, .why = reason::syn_ack};
}

}  // namespace

TEST_CASE("banner ports: hosts with the same open ports are one group", "[scan][banner_ports]") {
  banner_ports ports;
  CHECK(ports.empty());
  for (const char* host : {"192.0.2.1", "192.0.2.2"})
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{22}}) ports.add(open_port(host, port));
  ports.add(open_port("192.0.2.3", 22));
  const auto groups = ports.groups();
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].ports == std::vector<std::uint16_t>{22});
  REQUIRE(groups[0].hosts.size() == 1);
  CHECK(groups[0].hosts[0]->address == "192.0.2.3");
  CHECK(groups[1].ports == std::vector<std::uint16_t>{22, 80});
  CHECK(groups[1].hosts.size() == 2);
}

TEST_CASE("banner ports: a port that was open stays open, with what was heard", "[scan][banner_ports]") {
  banner_ports ports;
  ports.add(open_port("192.0.2.1", 22));
  ports.add(open_port("192.0.2.1", 80));
  finding answer = open_port("192.0.2.1", 22);
  answer.state = port_state::closed;
  answer.why = reason::reset;
  answer.banner = "SSH-2.0";
  const finding merged = ports.take(answer);
  CHECK(merged.state == port_state::open);
  CHECK(merged.why == reason::syn_ack);
  CHECK(merged.banner == "SSH-2.0");
  CHECK(merged.host == "a name");
  const auto rest = ports.take_rest();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].port == 80);
  CHECK(ports.empty());
}

}  // namespace netlab::scan::banner_ports_test
