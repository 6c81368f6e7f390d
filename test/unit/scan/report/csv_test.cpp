// SPDX-License-Identifier: MIT
#include <catch2/catch_test_macros.hpp>

#include "unit/scan/report/samples.hpp"

namespace netlab::scan::csv_test {

using namespace test;

namespace {
const std::string header =
    "host,address,proto,port,state,reason,service,rtt_us,error,winsock,banner,reply,echo,origin,other_names\r\n";
}

TEST_CASE("csv: a header, then a record a port, each ending in CR LF", "[scan][unit]") {
  CHECK(reported(report_format::csv, {open_port(7, "echo"), closed_port(8)}) ==
        header + "192.0.2.2,192.0.2.2,tcp,7,open,syn-ack,echo,90,,,,,false,,\r\n");
  CHECK(reported(report_format::csv, {closed_port(8)}, {.all = true}) ==
        header + "192.0.2.2,192.0.2.2,tcp,8,closed,reset,,,ECONNREFUSED,10061,,,false,,\r\n");
}

TEST_CASE("csv: quotes and commas are quoted, and nothing is a formula", "[scan][unit]") {
  auto port = open_port(1);
  port.banner = "a,\"b\"\r\n";
  port.reply = "=HYPERLINK(1)";
  CHECK(reported(report_format::csv, {port}) ==
        header + "192.0.2.2,192.0.2.2,tcp,1,open,syn-ack,,90,,,\"a,\"\"b\"\"\\r\\n\",'=HYPERLINK(1),false,,\r\n");
}

TEST_CASE("csv: who sent an error has a column", "[scan][unit]") {
  auto port = closed_port(1);
  port.origin = "fe80::1%eth0";
  CHECK(reported(report_format::csv, {port}, {.all = true}).ends_with(",false,fe80::1%eth0,\r\n"));
}

TEST_CASE("csv: other names of the same address are in one field", "[scan][unit]") {
  auto port = open_port(1);
  port.other_names = {"lab", "www"};
  CHECK(reported(report_format::csv, {port}).ends_with(",false,,lab www\r\n"));
}

}  // namespace netlab::scan::csv_test
