// SPDX-License-Identifier: MIT
#include "echo/session.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace netlab;
using namespace std::chrono_literals;

namespace {

constexpr time_point start = time_point{} + 1h;

}  // namespace

TEST_CASE("echo session: gives back what comes, and ends with its peer", "[echo][unit]") {
  echo::session one(5min, start);
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

TEST_CASE("echo session: an idle peer is let go, one that speaks stays", "[echo][unit]") {
  echo::session one(60s, start);
  one.feed(as_bytes("a"), start + 30s);
  CHECK(one.deadline() == start + 90s);
  one.tick(start + 89s);
  CHECK_FALSE(one.done());
  one.tick(start + 90s);
  CHECK(one.done());
  CHECK_FALSE(one.deadline());
  const echo::session patient(0s, start);
  CHECK_FALSE(patient.deadline());
}

TEST_CASE("echo session: a stop ends it, and what came is still given back", "[echo][unit]") {
  echo::session one(60s, start);
  one.feed(as_bytes("a"), start);
  one.stop(start);
  CHECK(one.done());
  one.feed(as_bytes("b"), start);
  CHECK(as_text(one.take_output()) == "a");
}
