// SPDX-License-Identifier: MIT
#include "simple/echo.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/start.hpp"

namespace netlab::simple::echo_test {

using namespace std::chrono_literals;
using test::start;

TEST_CASE("echo session: gives back what comes, and ends with its peer", "[simple][unit]") {
  simple::echo_session one(5min, start);
  one.feed(as_bytes("ab"), start);
  one.feed(as_bytes("c"), start);
  CHECK(as_text(one.take_output()) == "abc");
  CHECK(one.take_output().empty());
  one.feed(as_bytes("d"), start);
  one.eof(start);
  CHECK(one.done());
  CHECK(as_text(one.take_output()) == "d");
  CHECK(one.octets() == 4);
}

TEST_CASE("echo session: an idle peer is let go, one that speaks stays", "[simple][unit]") {
  simple::echo_session one(60s, start);
  one.feed(as_bytes("a"), start + 30s);
  CHECK(one.deadline() == start + 90s);
  one.tick(start + 89s);
  CHECK_FALSE(one.done());
  one.tick(start + 90s);
  CHECK(one.done());
  CHECK_FALSE(one.deadline());
  const simple::echo_session patient(0s, start);
  CHECK_FALSE(patient.deadline());
}

TEST_CASE("echo session: a stop ends it, and what came is still given back", "[simple][unit]") {
  simple::echo_session one(60s, start);
  one.feed(as_bytes("a"), start);
  one.stop(start);
  CHECK(one.done());
  one.feed(as_bytes("b"), start);
  CHECK(as_text(one.take_output()) == "a");
}

}  // namespace netlab::simple::echo_test
