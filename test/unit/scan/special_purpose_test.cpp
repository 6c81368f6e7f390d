// SPDX-License-Identifier: MIT
#include "scan/special_purpose.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace netlab::scan::special_purpose_test {

namespace {

/// `10.0.0.0-10.0.0.9 in 10.0.0.0/8`.
std::vector<std::string> special(std::string_view target) {
  std::vector<std::string> found;
  for (const special_part& each :
       special_parts(std::get<address_range>(parse_target(target, target_use::exclude).value())))
    found.push_back(to_string(each.range.first) + "-" + to_string(each.range.last) + " in " +
                    std::string(each.block->text));
  return found;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("special purpose: a block is told by its smallest entry", "[scan][special_purpose]") {
  CHECK(special("10.9.0.0/16") == texts{"10.9.0.0-10.9.255.255 in 10.0.0.0/8"});
  CHECK(special("172.31.255.255") == texts{"172.31.255.255-172.31.255.255 in 172.16.0.0/12"});
  CHECK(special("172.32.0.0").empty());
  CHECK(special("9.255.255.254-10.0.0.1") == texts{"10.0.0.0-10.0.0.1 in 10.0.0.0/8"});
  CHECK(special("192.0.0.8-192.0.2.1") == texts{"192.0.0.8-192.0.0.8 in 192.0.0.0/24",
                                                "192.0.0.11-192.0.0.255 in 192.0.0.0/24",
                                                "192.0.2.0-192.0.2.1 in 192.0.2.0/24"});
  CHECK(special("198.18.0.0/15") == texts{"198.18.0.0-198.19.255.255 in 198.18.0.0/15"});
  CHECK(special("1.0.0.0/8").empty());
  CHECK(special("224.0.0.0/4").empty());  // multicast has a registry of its own
}

TEST_CASE("special purpose: IPv6", "[scan][special_purpose]") {
  CHECK(special("2001:db8::1") == texts{"2001:db8::1-2001:db8::1 in 2001:db8::/32"});
  CHECK(special("fd00::1") == texts{"fd00::1-fd00::1 in fc00::/7"});
  CHECK(special("2001:1::-2001:1::4") == texts{"2001:1::-2001:1:: in 2001::/23", "2001:1::4-2001:1::4 in 2001::/23"});
  CHECK(special("2001::1").empty());     // Teredo
  CHECK(special("2001:20::1").empty());  // ORCHIDv2
  CHECK(special("2001:1ff::1").size() == 1);
  CHECK(special("2001:200::1").empty());
  CHECK(special("2606:4700::1").empty());
  CHECK(special("64:ff9b::1").empty());
  CHECK(special("fe80::1%2").empty());  // on its link
}

TEST_CASE("special purpose: of all addresses, what is left is global", "[scan][special_purpose]") {
  const auto all = special("0.0.0.0/0");
  CHECK(all.front() == "0.0.0.0-0.255.255.255 in 0.0.0.0/8");
  CHECK(all.back() == "240.0.0.0-255.255.255.255 in 240.0.0.0/4");
  CHECK(all.size() == 15);
}

}  // namespace netlab::scan::special_purpose_test
