// SPDX-License-Identifier: MIT
#include "lab/journal/roster.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::lab::roster_test {

using test::why;

TEST_CASE("roster: addresses and users, with any usual separator", "[lab][unit]") {
  const auto one = roster::parse(
      "\xef\xbb\xbf"
      "address,name\r\n# comment\n192.0.2.7, Blue team\nalice;Red\nbob\tGreen\n"
      "2001:DB8::1 Two words\n\n::ffff:192.0.2.9, \"Quoted, name\"\n");
  REQUIRE(one);
  CHECK(one->name_of_address("192.0.2.7") == "Blue team");
  CHECK(one->name_of_user("alice") == "Red");
  CHECK(one->name_of_user("bob") == "Green");
  CHECK(one->name_of_address("2001:db8::1") == "Two words");
  CHECK(one->name_of_address("192.0.2.9") == "Quoted, name");
  CHECK(one->name_of_user("carol").empty());
  for (const char* no_entry : {"address", "# comment", "#", ""}) {
    CHECK(one->name_of_user(no_entry).empty());
    CHECK(one->name_of_address(no_entry).empty());
  }
}

TEST_CASE("roster: names the line that makes no sense", "[lab][unit]") {
  CHECK(why(roster::parse("192.0.2.7, a\nalice\n")).starts_with("line 2: 'alice' has no name"));
  CHECK(why(roster::parse("alice,\x01\n")).starts_with("line 1: "));
  CHECK(why(roster::parse("a, x\na, y\n")).starts_with("line 2: 'a' is x and y"));
  CHECK(roster::parse("a, x\na, x\n"));
  REQUIRE(roster::parse(""));
  CHECK(roster::parse("")->name_of_user("").empty());
}

TEST_CASE("roster: a name has no control and no bidi characters, and at most 60", "[lab][unit]") {
  CHECK(clean_team_name(" a\tb\n\xe2\x80\xaeZ\xff ") == "abZ");
  CHECK(clean_team_name("grüße 日本") == "grüße 日本");
  CHECK(clean_team_name("<script>") == "<script>");
  CHECK(clean_team_name("\xe2\x80\x8b\xef\xbb\xbf").empty());
  std::string many;
  for (int count = 0; count < 100; ++count) many += "ü";
  CHECK(clean_team_name(many).size() == 120);
}

}  // namespace netlab::lab::roster_test
