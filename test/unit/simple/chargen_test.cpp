// SPDX-License-Identifier: MIT
#include "simple/chargen.hpp"

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>

#include "support/start.hpp"

namespace netlab::simple::chargen_test {

using namespace std::chrono_literals;
using test::start;

TEST_CASE("chargen: lines of 72 printing characters, each one character further on", "[simple][unit]") {
  const std::string_view pattern = simple::chargen_pattern();
  REQUIRE(pattern.size() == 95 * 74);
  // The first two lines of RFC 864's example start like this.
  CHECK(pattern.substr(0, 10) == " !\"#$%&'()");
  CHECK(pattern.substr(74, 10) == "!\"#$%&'()*");
  std::set<char> seen;
  for (std::size_t line = 0; line < 95; ++line) {
    const std::string_view text = pattern.substr(line * 74, 74);
    CHECK(text.ends_with("\r\n"));
    for (std::size_t at = 0; at < 72; ++at) {
      CHECK(text[at] >= ' ');
      CHECK(text[at] <= '~');
      seen.insert(text[at]);
      if (at > 0) CHECK((text[at] == text[at - 1] + 1 || (text[at] == ' ' && text[at - 1] == '~')));
    }
    const std::string_view next = pattern.substr((line + 1) % 95 * 74, 74);
    CHECK(next[0] == text[1]);
  }
  CHECK(seen.size() == 95);
}

TEST_CASE("chargen: has one turn of the pattern each time it is asked", "[simple][unit]") {
  simple::chargen_session one(5min, start);
  for (int turn = 0; turn < 3; ++turn) CHECK(as_text(one.take_output()) == simple::chargen_pattern());
  CHECK(one.octets() == 3 * simple::chargen_pattern().size());
  one.feed(as_bytes("whatever\r\nquit\r\n"), start);
  one.eof(start);
  CHECK_FALSE(one.done());
  CHECK(as_text(one.take_output()) == simple::chargen_pattern());
}

TEST_CASE("chargen: a peer that takes nothing is let go, one that takes something stays", "[simple][unit]") {
  simple::chargen_session one(60s, start);
  CHECK(one.take_output().size() > 0);
  CHECK(one.deadline() == start + 60s);
  one.tick(start + 59s);
  CHECK(one.deadline() == start + 60s);
  one.tick(start + 60s);
  CHECK_FALSE(one.done());
  CHECK(one.deadline() == start + 120s);
  CHECK(one.take_output().size() > 0);
  one.tick(start + 120s);
  CHECK_FALSE(one.done());
  one.tick(start + 180s);  // nothing was requested in the meantime
  CHECK(one.done());
  CHECK(one.take_output().empty());
  CHECK_FALSE(one.deadline());
  const simple::chargen_session patient(0s, start);
  CHECK_FALSE(patient.deadline());
}

TEST_CASE("chargen: a stop ends it", "[simple][unit]") {
  simple::chargen_session one(60s, start);
  one.stop(start);
  CHECK(one.done());
  CHECK(one.take_output().empty());
}

}  // namespace netlab::simple::chargen_test
