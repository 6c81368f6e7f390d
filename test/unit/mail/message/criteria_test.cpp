// SPDX-License-Identifier: MIT
#include "mail/message/criteria.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::mail::criteria_test {

namespace {

using list = std::vector<std::string>;

bool fits(std::string_view header, std::string_view to, std::string_view from = {}, std::string_view subject = {}) {
  message_criteria wanted;
  if (!to.empty()) wanted.to.push_back(address_pattern::parse(to).value());
  if (!from.empty()) wanted.from.push_back(address_pattern::parse(from).value());
  if (!subject.empty()) wanted.subject.emplace_back(subject);
  return wanted.match(parse_header(header));
}

constexpr std::string_view header =
    "Return-Path: <bounce@list.example>\n"
    "Delivered-To: ann@example.org\n"
    "Delivered-To: ben@example.org\n"
    "From: \"Eve, of all\" <eve@example.net>\n"
    "To: Friends: Carl <carl@example.com>, dora@example.com;, Ann <Ann@Example.ORG>\n"
    "Cc: undisclosed-recipients:;\n"
    "Subject: Your =?utf-8?q?Best=C3=A4tigung?=\n of today\n"
    "\n";

}  // namespace

TEST_CASE("criteria: addresses are found in every form of a list", "[mail][unit]") {
  CHECK(addresses_in("a@b") == list{"a@b"});
  CHECK(addresses_in("A <a@b>, c@d") == list{"a@b", "c@d"});
  CHECK(addresses_in("\"x, y@z\" <a@b>") == list{"a@b"});
  CHECK(addresses_in("a@b (Ann <x@y>), <c@d> (d)") == list{"a@b", "c@d"});
  CHECK(addresses_in("group: a@b, c@d; e@f") == list{"a@b", "c@d", "e@f"});
  CHECK(addresses_in("\"odd one\"@b, <\"x>y\"@z>") == list{"\"odd one\"@b", "\"x>y\"@z"});
  CHECK(addresses_in("<@r1,@r2:a@b>") == list{"a@b"});
  CHECK(addresses_in("a@[IPv6:::1], b@c") == list{"a@[IPv6:::1]", "b@c"});
  CHECK(addresses_in("Ann ann@b") == list{"ann@b"});
  CHECK(addresses_in("<>") == list{""});
  CHECK(addresses_in("nobody, , ;").empty());
  CHECK(addresses_in("").empty());
  CHECK(addresses_in("(((((").empty());
  CHECK(addresses_in("<a@b") == list{"a@b"});
}

TEST_CASE("criteria: a recipient is in the envelope or in the header, in any case", "[mail][unit]") {
  CHECK(fits(header, "ann@example.org"));
  CHECK(fits(header, "BEN@example.org"));
  CHECK(fits(header, "carl@example.com"));
  CHECK(fits(header, "dora@example.com"));
  CHECK(fits(header, "@example.com"));
  CHECK(fits(header, "*"));
  CHECK(!fits(header, "eve@example.net"));
  CHECK(!fits(header, "an@example.org"));
  CHECK(!fits(header, "@ample.org"));
}

TEST_CASE("criteria: a sender is in the envelope or in the header", "[mail][unit]") {
  CHECK(fits(header, "", "eve@example.net"));
  CHECK(fits(header, "", "bounce@list.example"));
  CHECK(!fits(header, "", "ann@example.org"));
  CHECK(!fits(header, "", "<>"));
  CHECK(fits("Return-Path: <>\n\n", "", "<>"));
  CHECK(!fits("Subject: x\n\n", "", "<>"));
}

TEST_CASE("criteria: a subject is decoded, and white space and case do not matter", "[mail][unit]") {
  CHECK(fits(header, "", "", "Bestätigung of"));
  CHECK(fits(header, "", "", "your BEST"));
  CHECK(fits(header, "", "", "g  of\ttoday"));
  CHECK(!fits(header, "", "", "confirmation"));
  CHECK(!fits("From: x@y\n\n", "", "", "a"));
}

TEST_CASE("criteria: all conditions must hold, and without any every message fits", "[mail][unit]") {
  CHECK(fits(header, "ann@example.org", "eve@example.net", "today"));
  CHECK(!fits(header, "ann@example.org", "eve@example.net", "tomorrow"));
  CHECK(!fits(header, "zoe@example.org", "eve@example.net", "today"));
  message_criteria none;
  CHECK(none.empty());
  CHECK(none.match({}));
  message_criteria both;
  both.to = {address_pattern::parse("ann@example.org").value(), address_pattern::parse("ben@example.org").value()};
  CHECK(both.match(parse_header(header)));
  both.to.push_back(address_pattern::parse("zoe@example.org").value());
  CHECK(!both.match(parse_header(header)));
}

TEST_CASE("criteria: domains match in both forms of a name outside ASCII", "[mail][unit]") {
  CHECK(fits("To: jo@xn--bcher-kva.example\n\n", "jo@bücher.example"));
  CHECK(fits("To: jo@bücher.example\n\n", "jo@xn--bcher-kva.example"));
}

TEST_CASE("criteria: of several Return-Paths, the topmost is the envelope's sender", "[mail][unit]") {
  const auto who = correspondents_of(parse_header("Return-Path: <new@x>\nReturn-Path: <old@x>\n\n"));
  CHECK(who.envelope_from == list{"new@x"});
  CHECK(correspondents_of(parse_header("Return-Path: <a@x>, <b@x>\n\n")).envelope_from == list{"a@x"});
}

TEST_CASE("criteria: an address that is there twice is named once", "[mail][unit]") {
  const auto who = correspondents_of(parse_header("To: a@b, a@b\nCc: a@b, c@d\n\n"));
  CHECK(who.to == list{"a@b", "c@d"});
}

TEST_CASE("criteria: a header of a million addresses is read to its limit", "[mail][unit]") {
  std::string many = "To: ";
  for (int at = 0; at < 200'000; ++at) many += "a" + std::to_string(at) + "@b,";
  const auto who = correspondents_of(parse_header(many + "\n\n"));
  CHECK(who.to.size() == max_correspondents);
}

}  // namespace netlab::mail::criteria_test
