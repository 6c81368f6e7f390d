// SPDX-License-Identifier: MIT
#include "base/services.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::services_test {

TEST_CASE("services: a line has a name, a port, a transport, aliases", "[base][services]") {
  const auto found =
      parse_services("smtp\t\t25/tcp\t\tmail\t# comment\r\n# 1/tcp\n\nlonely\nsctp 9/sctp\ndomain 53/udp dns");
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "smtp");
  CHECK(found[0].aliases == std::vector<std::string>{"mail"});
  CHECK(found[0].port == 25);
  CHECK_FALSE(found[0].is_udp);
  CHECK(found[1].aliases == std::vector<std::string>{"dns"});
  CHECK(found[1].is_udp);
}

TEST_CASE("services: a port by name or alias, in any case, with the file or without", "[base][services]") {
  for (const char* file : {services_file, "/nonexistent/services"}) {
    CHECK(port_of_service("smtp", file) == 25);
    CHECK(port_of_service("SSH", file) == 22);
    CHECK(port_of_service("imap", file) == 143);
    CHECK(port_of_service("smtps", file) == 465);
    CHECK(port_of_service("netbios-ns", file) == 137);
    CHECK_FALSE(port_of_service("nosuchservice", file));
    CHECK_FALSE(port_of_service("", file));
  }
}

TEST_CASE("services: a port is a number or a name", "[base][services]") {
  CHECK(parse_port_or_service("0") == 0);
  CHECK(parse_port_or_service("65535") == 65535);
  CHECK(parse_port_or_service("http") == 80);
  for (const char* text : {"", "65536", "-1", "1.5", "+80", "80 ", "nosuchservice"})
    CHECK_FALSE(parse_port_or_service(text));
}

}  // namespace netlab::services_test
