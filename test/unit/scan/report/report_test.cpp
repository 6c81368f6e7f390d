// SPDX-License-Identifier: MIT
#include "scan/report/report.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "scan/report/nmap_words.hpp"
#include "support/failure.hpp"
#include "unit/scan/report/samples.hpp"

namespace netlab::scan::report_test {

using namespace test;

TEST_CASE("report: five formats have names, others are refused with those", "[scan][unit]") {
  for (const auto name : {"table", "json", "csv", "nmap-xml", "grepable"}) CHECK(parse_report_format(name));
  for (const auto name : {"", "xml", "Table", "json ", "nmap_xml"}) {
    const auto bad = parse_report_format(name);
    CHECK(failed_with(bad, errc::usage));
    CHECK(why(bad).find("nmap-xml") != std::string::npos);
  }
}

TEST_CASE("report: whatever the format, hostile octets do not reach the terminal", "[scan][unit]") {
  const auto format = GENERATE(report_format::table, report_format::json, report_format::csv, report_format::nmap_xml,
                               report_format::grepable);
  finding one = open_port(7, hostile);
  one.host = one.banner = one.reply = hostile;
  for (const char c : reported(format, {one}, {.all = true, .verbose = true}))
    CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t'));
}

TEST_CASE("report: one that ended early says so, in the formats that have words for it", "[scan][unit]") {
  const auto format =
      GENERATE(report_format::table, report_format::json, report_format::nmap_xml, report_format::grepable);
  const std::string text = reported(format, {open_port(7)}, {}, heading, "--max-time 5s has passed");
  CHECK(text.find("--max-time 5s has passed") != std::string::npos);
  CHECK(reported(format, {open_port(7)}).find("max-time") == std::string::npos);
}

TEST_CASE("nmap words: reasons as nmap writes them, and times in UTC", "[scan][unit]") {
  CHECK(nmap_reason(transport::tcp, reason::reset) == "conn-refused");
  CHECK(nmap_reason(transport::tcp, reason::reset, true) == "reset");
  CHECK(nmap_reason(transport::tcp, reason::syn_ack) == "syn-ack");
  CHECK(nmap_reason(transport::udp, reason::port_unreachable) == "port-unreach");
  CHECK(nmap_reason(transport::udp, reason::reply) == "udp-response");
  CHECK(nmap_time(0) == "Thu Jan 01 00:00:00 1970");
  CHECK(nmap_time(1'700'000'000) == "Tue Nov 14 22:13:20 2023");
}

TEST_CASE("report: silent ports of a half-open scan of many targets are only counted", "[scan][unit]") {
  CHECK(lists_silent(true, many_targets, false));
  CHECK_FALSE(lists_silent(true, many_targets + 1, false));
  CHECK(lists_silent(true, many_targets + 1, true));
  CHECK(lists_silent(false, many_targets + 1, false));
}

}  // namespace netlab::scan::report_test
