// SPDX-License-Identifier: MIT
#include <catch2/catch_test_macros.hpp>

#include "unit/scan/report/samples.hpp"

namespace netlab::scan::table_test {

using namespace test;

namespace {
std::string table(const std::vector<finding>& findings, report_options options = {}, report_heading with = heading,
                  std::string because = {}) {
  return reported(report_format::table, findings, std::move(options), std::move(with), std::move(because));
}
}  // namespace

TEST_CASE("table: a line an open port in ascending order, closed ones summed up last", "[scan][unit]") {
  auto smtp = open_port(25, "smtp");
  smtp.banner = "220 lab ready\r\n";
  auto echo = open_port(7, "echo");
  echo.is_echo = true;
  echo.reply = "hello";
  CHECK(table({smtp, closed_port(1), closed_port(2), echo}) ==
        "192.0.2.2\n"
        "PORT    STATE  SERVICE  REASON   REPLY\n"
        "7/tcp   open   echo     syn-ack  echo\n"
        "25/tcp  open   smtp     syn-ack  \"220 lab ready\"\n"
        "not shown: 2 closed tcp ports (reset)\n");
}

TEST_CASE("table: verbose shows the system's error and Winsock's number", "[scan][unit]") {
  CHECK(table({closed_port(1), filtered_port(2)}, {.all = true, .verbose = true}) ==
        "192.0.2.2\n"
        "PORT   STATE     SERVICE  REASON                          REPLY\n"
        "1/tcp  closed             reset (ECONNREFUSED, 10061)\n"
        "2/tcp  filtered           no-response (ETIMEDOUT, 10060)\n");
  CHECK(table({closed_port(1)}, {.verbose = true}) ==
        "192.0.2.2\nnot shown: 1 closed tcp port (reset, ECONNREFUSED, 10061)\n");
}

TEST_CASE("table: UDP stands behind TCP, with its own states", "[scan][unit]") {
  auto reply = udp_port(53, port_state::open, reason::reply);
  reply.reply = "x";
  CHECK(table({udp_port(9, port_state::open_filtered, reason::no_response),
               udp_port(10, port_state::unknown, reason::rate_limited),
               udp_port(11, port_state::closed, reason::port_unreachable), reply, open_port(80)}) ==
        "192.0.2.2\n"
        "PORT    STATE          SERVICE  REASON        REPLY\n"
        "80/tcp  open                    syn-ack\n"
        "9/udp   open|filtered           no-response\n"
        "10/udp  unknown                 rate-limited\n"
        "53/udp  open                    reply         \"x\"\n"
        "not shown: 1 closed udp port (port-unreachable)\n");
}

TEST_CASE("table: more than 25 ports of a state are summed up, unless all are wanted", "[scan][unit]") {
  std::vector<finding> findings;
  for (std::uint16_t port = 1; port <= 26; ++port) findings.push_back(filtered_port(port));
  CHECK(table(findings) == "192.0.2.2\nnot shown: 26 filtered tcp ports (no-response)\n");
  CHECK(table(findings, {.all = true}).find("not shown") == std::string::npos);
  findings.pop_back();
  CHECK(table(findings).find("25/tcp  filtered") != std::string::npos);
}

TEST_CASE("table: several hosts, each with its name, in the order of their addresses", "[scan][unit]") {
  auto with = heading;
  with.targets = 2;
  auto ten = closed_port(1);
  ten.address = "192.0.2.10";
  ten.host = "ten.example";
  CHECK(table({ten, closed_port(1)}, {}, with) ==
        "192.0.2.2\nnot shown: 1 closed tcp port (reset)\n"
        "\n"
        "ten.example (192.0.2.10)\nnot shown: 1 closed tcp port (reset)\n");
}

TEST_CASE("table: of many targets only those with an open port are shown", "[scan][unit]") {
  auto with = heading;
  with.targets = 65536;
  auto quiet = closed_port(1);
  quiet.address = quiet.host = "192.0.2.3";
  CHECK(table({closed_port(1), open_port(2), quiet}, {}, with) ==
        "192.0.2.2\n"
        "PORT   STATE  SERVICE  REASON   REPLY\n"
        "2/tcp  open            syn-ack\n"
        "\n"
        "1 address with an open port, 65535 without\n");
}

TEST_CASE("table: says when and why it is incomplete", "[scan][unit]") {
  CHECK(table({closed_port(1)}, {}, heading, "interrupted").ends_with("incomplete: interrupted\n"));
}

TEST_CASE("table: a peer's octets reach no terminal as they came, and stay short", "[scan][unit]") {
  auto port = open_port(1);
  port.banner = "\x1b[2Jgone";
  CHECK(table({port}).find("\"\\x1b[2Jgone\"") != std::string::npos);
  port.banner.assign(1'000'000, 'x');
  CHECK(table({port}).size() < 300);
}

TEST_CASE("table: what failed on this machine has the system's error without being asked", "[scan][unit]") {
  scan::finding one = filtered_port(7);
  one.state = scan::port_state::unknown;
  one.why = scan::reason::local_error;
  one.system_error = EPERM;
  CHECK(reported(scan::report_format::table, {one}).find("local-error (EPERM, 10013)") != std::string::npos);
}

TEST_CASE("table: of very many targets that were not all asked, none is counted as without", "[scan][unit]") {
  report_heading many = heading;
  many.targets = 65536;
  const std::string text = table({open_port(7)}, {}, many, "interrupted");
  CHECK(text.ends_with("\n1 address with an open port so far\nincomplete: interrupted\n"));
}

TEST_CASE("table: other names of the same address stand in its heading", "[scan][unit]") {
  auto port = open_port(7);
  port.host = "lab";
  port.other_names = {"www", "mail"};
  CHECK(table({port}).starts_with("lab (192.0.2.2), the same as www, mail\nPORT "));
}

TEST_CASE("table: where every port is open it says so, and sums up those that say nothing", "[scan][unit]") {
  const auto all_open = [](std::uint16_t count) {
    std::vector<finding> findings;
    for (std::uint16_t port = 1; port <= count; ++port) findings.push_back(open_port(port));
    return findings;
  };
  auto with = heading;
  with.tcp_count = 30;
  auto findings = all_open(30);
  findings[6].is_echo = true;
  findings[6].reply = "hello";
  CHECK(table(findings, {}, with) ==
        "192.0.2.2\n"
        "PORT   STATE  SERVICE  REASON   REPLY\n"
        "7/tcp  open            syn-ack  echo\n"
        "not shown: 29 open tcp ports (syn-ack)\n"
        "all 30 tcp ports are open: perhaps a SYN proxy, a firewall or a load balancer answers for the host\n");
  CHECK(table(findings, {.all = true}, with).find("30/tcp") != std::string::npos);
  with.tcp_count = 12;
  const std::string dozen = table(all_open(12), {}, with);
  CHECK(dozen.find("12/tcp") != std::string::npos);
  CHECK(dozen.find("all 12 tcp ports are open") != std::string::npos);
  with.tcp_count = 3;
  CHECK(table(all_open(3), {}, with).find("all 3") == std::string::npos);
  with.tcp_count = 31;
  findings.push_back(closed_port(31));
  CHECK(table(findings, {}, with).find("are open") == std::string::npos);
}

}  // namespace netlab::scan::table_test
