// SPDX-License-Identifier: MIT
#include "scan/report/read.hpp"

#include <cerrno>

#include <catch2/catch_test_macros.hpp>

#include "scan/report/report.hpp"

namespace netlab::scan::read_test {

using namespace std::chrono_literals;

namespace {

std::string line_of(const finding& one) {
  std::string text;
  make_report(report_format::json, {.all = true}, [&](std::string_view piece) { text += piece; })->add(one);
  return text;
}

}  // namespace

TEST_CASE("read: a finding survives its line", "[scan][read]") {
  finding one{.host = "lab \"x\"", .other_names = {"a", "b"}, .address = "fe80::1%eth0"};
  one.protocol = transport::udp;
  one.port = 65535;
  one.state = port_state::open_filtered;
  one.why = reason::admin_prohibited;
  one.system_error = EHOSTUNREACH;
  one.origin = "192.0.2.7";
  one.rtt = 1234us;
  one.banner = std::string("\xff\x00\n\x1b[2J", 7);
  one.banner_cut = true;
  one.reply = "\u2028 plain, with \\ and \"";
  one.reply_cut = true;
  one.is_echo = true;
  one.service = "ssh";
  const auto read = parse_report_line(line_of(one));
  REQUIRE(read);
  const auto* again = std::get_if<finding>(&*read);
  REQUIRE(again != nullptr);
  CHECK(again->host == one.host);
  CHECK(again->other_names == one.other_names);
  CHECK(again->address == one.address);
  CHECK(again->protocol == one.protocol);
  CHECK(again->port == one.port);
  CHECK(again->state == one.state);
  CHECK(again->why == one.why);
  CHECK(again->system_error == one.system_error);
  CHECK(again->origin == one.origin);
  CHECK(again->rtt == one.rtt);
  CHECK(again->banner == one.banner);
  CHECK(again->banner_cut);
  CHECK(again->reply == one.reply);
  CHECK(again->reply_cut);
  CHECK(again->is_echo);
  CHECK(again->service == one.service);
  CHECK(line_of(*again) == line_of(one));
}

TEST_CASE("read: each state and reason survives its line", "[scan][read]") {
  for (const auto state :
       {port_state::open, port_state::closed, port_state::filtered, port_state::open_filtered, port_state::unknown})
    for (int why = 0; why <= static_cast<int>(reason::local_error); ++why) {
      finding one{.host = "x", .address = "192.0.2.1"};
      one.state = state;
      one.why = static_cast<reason>(why);
      const auto read = parse_report_line(line_of(one));
      REQUIRE(read);
      CHECK(std::get<finding>(*read).state == state);
      CHECK(std::get<finding>(*read).why == one.why);
      CHECK(!std::get<finding>(*read).rtt);
      CHECK(std::get<finding>(*read).service.empty());
    }
}

TEST_CASE("read: a summary survives its line", "[scan][read]") {
  scan_summary sum{.targets = 5, .tcp_ports = 50, .udp_ports = 3, .by_state = {1, 2, 3, 4, 5}, .elapsed = 1500us};
  sum.complete = false;
  sum.incomplete_because = "interrupted";
  sum.scan = "0123456789abcdef";
  sum.seed = 18446744073709551615U;
  sum.part = {3, 8};
  sum.tcp_range = "1-50";
  sum.udp_range = "53,67-68";
  sum.started = 1'764'500'000;
  sum.is_syn = true;
  sum.is_stateless_udp = true;
  sum.hosts = {{"192.0.2.1", "192.0.2.1"}, {"lab", "fe80::1%eth0", {"lab.example.org", "\""}}};
  std::string text;
  make_report(report_format::json, {}, [&](std::string_view piece) { text += piece; })->finish(sum);
  const auto read = parse_report_line(text);
  REQUIRE(read);
  const auto& again = std::get<scan_summary>(*read);
  CHECK(again.targets == sum.targets);
  CHECK(again.by_state == sum.by_state);
  CHECK(again.elapsed == sum.elapsed);
  CHECK(!again.complete);
  CHECK(again.incomplete_because == sum.incomplete_because);
  CHECK(again.scan == sum.scan);
  CHECK(again.seed == sum.seed);
  CHECK(again.part == sum.part);
  CHECK(again.is_syn);
  CHECK(again.is_stateless_udp);
  CHECK(again.hosts == sum.hosts);
  CHECK(again.tcp_range == sum.tcp_range);
  CHECK(again.udp_range == sum.udp_range);
  CHECK(again.started == sum.started);
}

TEST_CASE("read: other lines are refused", "[scan][read]") {
  for (
      const char* text :
      {"",
       " ",
       "x",
       "{",
       "[]",
       "3",
       "null",
       "{}",
       R"({"summary":3})",
       R"({"summary":{}})",
       R"({"summary":{"complete":"yes"}})",
       R"({"summary":{"complete":true,"shard":"0/1"}})",
       R"({"summary":{"complete":true,"hosts":"x"}})",
       R"({"summary":{"complete":true,"hosts":["x"]}})",
       R"({"summary":{"complete":true,"hosts":[{"host":"x"}]}})",
       R"({"summary":{"complete":true,"hosts":[{"host":3,"address":"::1"}]}})",
       R"({"summary":{"complete":true,"seed":"x"}})",
       R"({"summary":{"complete":true,"open":-1}})",
       R"({"address":"192.0.2.1","proto":"sctp","port":1,"state":"open","reason":"syn-ack"})",
       R"({"address":"192.0.2.1","proto":"tcp","port":65536,"state":"open","reason":"syn-ack"})",
       R"({"address":"192.0.2.1","proto":"tcp","port":1.5,"state":"open","reason":"syn-ack"})",
       R"({"address":"192.0.2.1","proto":"tcp","port":1,"state":"ajar","reason":"syn-ack"})",
       R"({"address":"192.0.2.1","proto":"tcp","port":1,"state":"open"})",
       R"({"address":7,"proto":"tcp","port":1,"state":"open","reason":"syn-ack"})",
       R"({"proto":"tcp","port":1,"state":"open","reason":"syn-ack"})",
       R"({"address":"192.0.2.1","proto":"tcp","port":1,"state":"open","reason":"syn-ack","banner_base64":"*"})",
       R"({"address":"192.0.2.1","proto":"tcp","port":1,"state":"open","reason":"syn-ack","rtt_us":9223372036854775807})",
       R"({"address":"192.0.2.1","proto":"tcp","port":1,"state":"open","reason":"syn-ack","other_names":[1]})"}) {
    CAPTURE(text);
    const auto read = parse_report_line(text);
    REQUIRE(!read);
    CHECK(read.error().code == errc::bad_data);
  }
}

}  // namespace netlab::scan::read_test
