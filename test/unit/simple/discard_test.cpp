// SPDX-License-Identifier: MIT
#include "simple/discard.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/start.hpp"

namespace netlab::simple::discard_test {

using namespace std::chrono_literals;
using test::start;

TEST_CASE("discard: says nothing, counts what comes, and ends with its peer", "[simple][unit]") {
  simple::discard_session one(5min, start);
  one.feed(as_bytes("ab"), start);
  one.feed(as_bytes("c"), start);
  CHECK(one.take_output().empty());
  CHECK_FALSE(one.done());
  one.eof(start);
  CHECK(one.done());
  CHECK(one.take_output().empty());
  CHECK(one.octets() == 3);
  CHECK(one.since() == start);
}

TEST_CASE("discard: an idle peer is let go, one that speaks stays", "[simple][unit]") {
  simple::discard_session one(60s, start);
  one.feed(as_bytes("a"), start + 30s);
  CHECK(one.deadline() == start + 90s);
  one.tick(start + 89s);
  CHECK_FALSE(one.done());
  one.tick(start + 90s);
  CHECK(one.done());
  CHECK_FALSE(one.deadline());
  const simple::discard_session patient(0s, start);
  CHECK_FALSE(patient.deadline());
}

TEST_CASE("discard: a stop ends it", "[simple][unit]") {
  simple::discard_session one(60s, start);
  one.stop(start);
  CHECK(one.done());
}

}  // namespace netlab::simple::discard_test
