// SPDX-License-Identifier: MIT
#include "scan/ports.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::scan::ports_test {

using test::failed_with;
using test::why;
using list = std::vector<std::uint16_t>;

TEST_CASE("ports: ranges, single ports and open ends make one ascending list", "[scan][unit]") {
  CHECK(parse_ports("80").value() == list{80});
  CHECK(parse_ports("1-3,80,443,65534-").value() == list{1, 2, 3, 80, 443, 65534, 65535});
  CHECK(parse_ports("-3").value() == list{1, 2, 3});
  CHECK(parse_ports(" 22 , 23 - 24 ").value() == list{22, 23, 24});
}

TEST_CASE("ports: what is named twice is there once", "[scan][unit]") {
  CHECK(parse_ports("5,1-4,2-5,5").value() == list{1, 2, 3, 4, 5});
}

TEST_CASE("ports: a service's name is its port", "[scan][unit]") {
  CHECK(parse_ports("ssh,http,1-2").value() == list{1, 2, 22, 80});
  CHECK(parse_ports("netbios-ns").value() == list{137});
}

TEST_CASE("ports: all is every port but 0", "[scan][unit]") {
  const auto all = parse_ports("all").value();
  CHECK(all.size() == 65535);
  CHECK(all.front() == 1);
  CHECK(all.back() == 65535);
}

TEST_CASE("ports: an error names the cure", "[scan][unit]") {
  CHECK(why(parse_ports("80-22")) == "port range '80-22' runs backwards (write 22-80)");
  CHECK(why(parse_ports("0")) == "port 0 cannot be scanned (ports are 1 to 65535)");
  CHECK(why(parse_ports("1-65536")) == "port 65536 does not exist (ports are 1 to 65535)");
  CHECK(why(parse_ports("")) == "the port list is empty (1-50,80,443,8000- or all)");
  CHECK(why(parse_ports("1,,2")) == "an empty entry in the port list (write 1-50,80 without a comma at the ends)");
  CHECK(why(parse_ports("x y")) ==
        "port 'x y' is neither a number nor the name of a service (1-50,80,ssh,8000- or all)");
  for (const char* text : {"0-5", "1,", ",", "1-2-3", "99999999999999999999", "+1", "1.5"})
    CHECK(failed_with(parse_ports(text), errc::usage));
}

TEST_CASE("ports: a list is written as it would be typed", "[scan][unit]") {
  for (const char* text : {"1", "1-50", "1-3,5,7-8,65535", "1-65535"})
    CHECK(scan::to_string(parse_ports(text).value()) == text);
  CHECK(scan::to_string(list{}).empty());
}

}  // namespace netlab::scan::ports_test
