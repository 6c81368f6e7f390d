// SPDX-License-Identifier: MIT
#include <catch2/catch_test_macros.hpp>

#include "unit/scan/report/samples.hpp"

namespace netlab::scan::grepable_test {

using namespace test;

TEST_CASE("grepable: a host a line, a port a field", "[scan][unit]") {
  CHECK(reported(report_format::grepable, {open_port(7, "echo"), closed_port(1), open_port(25, "smtp")}) ==
        "# netlab 0.1.0 scan initiated Tue Nov 14 22:13:20 2023 as: netlab scan tcp --host 192.0.2.2 --range 1-50\n"
        "# Ports scanned: TCP(50;1-50) UDP(0;) SCTP(0;) PROTOCOLS(0;)\n"
        "Host: 192.0.2.2 ()\tStatus: Up\n"
        "Host: 192.0.2.2 ()\tPorts: 7/open/tcp//echo///, 25/open/tcp//smtp///\tIgnored State: closed (1)\n"
        "# netlab done at Tue Nov 14 22:13:20 2023 -- 1 IP address (1 host up) scanned in 0.40 seconds\n");
}

TEST_CASE("grepable: the one ignored state is the one of most ports", "[scan][unit]") {
  std::vector<finding> findings{closed_port(1000), open_port(7)};
  for (std::uint16_t port = 101; port < 131; ++port) findings.push_back(filtered_port(port));
  CHECK(reported(report_format::grepable, findings).find("\tIgnored State: filtered (30)\n") != std::string::npos);
}

TEST_CASE("grepable: no name can pretend to be a field", "[scan][unit]") {
  auto port = open_port(1, "a/b, 2/open\t");
  CHECK(reported(report_format::grepable, {port}).find("1/open/tcp//a|b; 2|open\\t///\n") != std::string::npos);
}

TEST_CASE("grepable: hosts up are those that answered", "[scan][unit]") {
  auto silent = filtered_port(1);
  silent.host = silent.address = "192.0.2.3";
  auto with = heading;
  with.targets = 512;
  const std::string many = reported(report_format::grepable, {closed_port(1), silent}, {}, with);
  CHECK(many.find("512 IP addresses (1 host up)") != std::string::npos);
  CHECK(many.find("Host: 192.0.2.2 ()\tStatus: Up\n") != std::string::npos);
  with.targets = 2;
  const std::string few = reported(report_format::grepable, {closed_port(1), silent}, {}, with);
  CHECK(few.find("2 IP addresses (1 host up)") != std::string::npos);
  CHECK(few.find("Host: 192.0.2.3 ()\tStatus: Down\n") != std::string::npos);
}

}  // namespace netlab::scan::grepable_test
