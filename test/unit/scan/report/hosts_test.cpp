// SPDX-License-Identifier: MIT
#include "scan/report/hosts.hpp"

#include <catch2/catch_test_macros.hpp>

#include "unit/scan/report/samples.hpp"

namespace netlab::scan::hosts_test {

using namespace test;

TEST_CASE("hosts: addresses are in the order of their numbers", "[scan][unit]") {
  CHECK(natural_less("10.0.0.9", "10.0.0.10"));
  CHECK(!natural_less("10.0.0.10", "10.0.0.9"));
  CHECK(natural_less("10.0.0.1", "10.0.1.1"));
  CHECK(!natural_less("10.0.0.1", "10.0.0.1"));
  CHECK(natural_less("2001:db8::2", "2001:db8::10"));
  CHECK(natural_less("a", "a1"));
}

TEST_CASE("hosts: ports that follow each other are a range", "[scan][unit]") {
  CHECK(port_ranges({}).empty());
  CHECK(port_ranges({7}) == "7");
  CHECK(port_ranges({1, 2, 3, 7, 9, 10, 65535}) == "1-3,7,9-10,65535");
}

TEST_CASE("hosts: of very many targets, only open ports are kept", "[scan][unit]") {
  host_table table(false, many_targets + 1);
  table.add(closed_port(1));
  table.add(filtered_port(2));
  CHECK(table.take().empty());
  table.add(open_port(3));
  table.add(closed_port(4));
  const auto hosts = table.take();
  REQUIRE(hosts.size() == 1);
  CHECK(hosts[0].listed.size() == 1);
  CHECK(hosts[0].summed.empty());
}

TEST_CASE("hosts: a sum has its reason, and its ports in order", "[scan][unit]") {
  host_table table(false, 1);
  table.add(closed_port(9));
  table.add(closed_port(3));
  auto unlike = closed_port(5);
  unlike.why = reason::port_unreachable;
  table.add(unlike);
  const auto hosts = table.take();
  REQUIRE(hosts.at(0).summed.size() == 2);
  CHECK(hosts[0].summed[0].ports == std::vector<std::uint16_t>{3, 9});
  CHECK(hosts[0].summed[1].ports == std::vector<std::uint16_t>{5});
}

TEST_CASE("hosts: of several targets, one whose ports are all silent has no line for each", "[scan][unit]") {
  const auto lines_of = [](const std::vector<finding>& findings, std::uint64_t targets, bool all = false) {
    host_table table(all, targets);
    for (const finding& one : findings) table.add(one);
    return table.take().at(0).listed.size();
  };
  CHECK(lines_of({filtered_port(1), filtered_port(2)}, 2) == 0);
  CHECK(lines_of({filtered_port(1), filtered_port(2)}, 1) == 2);
  CHECK(lines_of({filtered_port(1), filtered_port(2)}, 2, true) == 2);
  CHECK(lines_of({filtered_port(1), filtered_port(2), closed_port(3)}, 2) == 2);
  CHECK(lines_of({filtered_port(1), filtered_port(2), open_port(3)}, 2) == 3);
  CHECK(lines_of({filtered_port(1)}, 2) == 1);
  CHECK(lines_of({open_port(1), open_port(2)}, 2) == 2);
}

TEST_CASE("hosts: one whose port is open or closed has answered; silence and other machines' words are no answer",
          "[scan][unit]") {
  const auto answered = [](const finding& one) {
    host_table table(false, 1);
    table.add(one);
    return table.take().at(0).has_answered;
  };
  CHECK(answered(open_port(1)));
  CHECK(answered(closed_port(1)));
  CHECK_FALSE(answered(filtered_port(1)));
  CHECK_FALSE(answered(udp_port(1, port_state::open_filtered, reason::no_response)));
}

TEST_CASE("hosts: of very many targets, each that answered is there where it is wanted", "[scan][unit]") {
  host_table table(false, many_targets + 1, true);
  auto other = closed_port(4);
  other.host = other.address = "192.0.2.10";
  auto silent = filtered_port(4);
  silent.host = silent.address = "192.0.2.11";
  for (const finding& one : {other, closed_port(1), open_port(3), other, silent}) table.add(one);
  const auto hosts = table.take();
  REQUIRE(hosts.size() == 2);
  CHECK(hosts[0].address == "192.0.2.2");
  CHECK(hosts[0].listed.size() == 1);
  CHECK(hosts[1].address == "192.0.2.10");
  CHECK(hosts[1].has_answered);
  CHECK(hosts[1].listed.empty());
}

}  // namespace netlab::scan::hosts_test
