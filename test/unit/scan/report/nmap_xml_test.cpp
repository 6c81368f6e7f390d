// SPDX-License-Identifier: MIT
// The structure only; in test/peers, programs that read nmap's reports read ours.
#include <catch2/catch_test_macros.hpp>

#include "unit/scan/report/samples.hpp"

namespace netlab::scan::nmap_xml_test {

using namespace test;

namespace {
bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("nmap_xml: a host with its ports, the others summed up by reason", "[scan][unit]") {
  auto named = open_port(7, "echo");
  named.host = "lab.example";
  auto closed = closed_port(1);
  closed.host = "lab.example";
  auto other = closed_port(2);
  other.host = "lab.example";
  const auto text = reported(report_format::nmap_xml, {other, named, closed});
  CHECK(holds(text, R"(<scaninfo type="connect" protocol="tcp" numservices="50" services="1-50"/>)"));
  CHECK(holds(text, R"(<address addr="192.0.2.2" addrtype="ipv4"/>)"));
  CHECK(holds(text, R"(<hostname name="lab.example" type="user"/>)"));
  CHECK(holds(text, R"(<extraports state="closed" count="2">)"));
  CHECK(holds(text, R"(<extrareasons reason="conn-refused" count="2" proto="tcp" ports="1-2"/>)"));
  CHECK(holds(text, R"(<port protocol="tcp" portid="7"><state state="open" reason="syn-ack" reason_ttl="0"/>)"
                    R"(<service name="echo" method="table" conf="3"/></port>)"));
  CHECK(holds(text, R"(exit="success"/><hosts up="1" down="0" total="1"/>)"));
}

TEST_CASE("nmap_xml: a half-open scan has nmap's terms for -sS", "[scan][unit]") {
  auto both = heading;
  both.udp_ports = "53";
  both.udp_count = 1;
  const std::vector<finding> found{open_port(7), closed_port(1), filtered_port(2)};
  const auto text = reported(report_format::nmap_xml, found, {}, both, {}, true);
  CHECK(holds(text,
              "<scaninfo type=\"syn\" protocol=\"tcp\" numservices=\"50\" services=\"1-50\"/>\n"
              "<scaninfo type=\"udp\" protocol=\"udp\" numservices=\"1\" services=\"53\"/>\n"
              "<verbose level=\"0\"/>\n<debugging level=\"0\"/>\n<host "));
  CHECK(holds(text, R"(<extrareasons reason="reset" count="1" proto="tcp" ports="1"/>)"));
  CHECK(holds(text, R"(<state state="open" reason="syn-ack" reason_ttl="0"/>)"));
  CHECK(holds(reported(report_format::nmap_xml, found, {.all = true}, both, {}, true),
              R"(<port protocol="tcp" portid="1"><state state="closed" reason="reset" reason_ttl="0"/>)"));
}

TEST_CASE("nmap_xml: an IPv6 address stands without its zone", "[scan][unit]") {
  auto port = open_port(7);
  port.address = port.host = "fe80::1%wire";
  CHECK(holds(reported(report_format::nmap_xml, {port}), R"(<address addr="fe80::1" addrtype="ipv6"/>)"));
}

TEST_CASE("nmap_xml: a peer's octets are an attribute's text", "[scan][unit]") {
  auto port = open_port(1);
  port.banner = hostile;
  const auto text = reported(report_format::nmap_xml, {port});
  CHECK(holds(text, R"(output="=&quot;a&quot;,&lt;b&gt;&amp;'\x1b]0;x\x07\r\n\\ )"
                    "\xc3\xa4\\xff\\x00\""));
}

TEST_CASE("nmap_xml: what ended early says so", "[scan][unit]") {
  CHECK(holds(reported(report_format::nmap_xml, {}, {}, heading, "interrupted"),
              R"(exit="error" errormsg="interrupted"/>)"));
}

TEST_CASE("nmap_xml: what a port said is one script", "[scan][unit]") {
  auto port = open_port(25);
  port.banner = "220 <lab>\r\n";
  CHECK(holds(reported(report_format::nmap_xml, {port}), R"(<script id="banner" output="220 &lt;lab&gt;"/></port>)"));
  port.reply = "500 what\r\n";
  CHECK(holds(
      reported(report_format::nmap_xml, {port}),
      R"(<script id="banner" output="220 &lt;lab&gt;&#xa;reply: 500 what"><elem key="banner">220 &lt;lab&gt;</elem>)"
      R"(<elem key="reply">500 what</elem></script></port>)"));
  port.banner.clear();
  port.is_echo = true;
  CHECK(holds(reported(report_format::nmap_xml, {port}), R"(<script id="echo" output="500 what"/></port>)"));
}

TEST_CASE("nmap_xml: hosts up are those that answered", "[scan][unit]") {
  auto silent = filtered_port(1);
  silent.host = silent.address = "192.0.2.3";
  auto with = heading;
  with.targets = 2;
  const auto few = reported(report_format::nmap_xml, {closed_port(1), silent}, {}, with);
  CHECK(holds(few, R"(<hosts up="1" down="1" total="2"/>)"));
  CHECK(holds(few, R"(<status state="down" reason="no-response" reason_ttl="0"/>)"));
  with.targets = 512;
  CHECK(holds(reported(report_format::nmap_xml, {closed_port(1), silent}, {}, with),
              R"(<hosts up="1" down="511" total="512"/>)"));
}

TEST_CASE("nmap_xml: every name of an address is a host name", "[scan][unit]") {
  auto port = open_port(7);
  port.host = "lab";
  port.other_names = {"www"};
  CHECK(holds(reported(report_format::nmap_xml, {port}),
              "<hostname name=\"lab\" type=\"user\"/>\n<hostname name=\"www\" type=\"user\"/>\n"));
}

}  // namespace netlab::scan::nmap_xml_test
