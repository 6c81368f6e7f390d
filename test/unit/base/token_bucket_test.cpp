// SPDX-License-Identifier: MIT
#include "base/token_bucket.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::token_bucket_test {

using namespace std::chrono_literals;

namespace {

int take_all(token_bucket& from, time_point now) {
  int taken = 0;
  while (taken < 1000 && from.take(now)) ++taken;
  return taken;
}

}  // namespace

TEST_CASE("token_bucket: starts full and holds no more than its burst", "[base][unit]") {
  const time_point start = time_point{} + 1h;
  token_bucket bucket(10, 20, start);
  CHECK(take_all(bucket, start) == 20);
  CHECK(take_all(bucket, start + 1h) == 20);
}

TEST_CASE("token_bucket: gains its rate", "[base][unit]") {
  const time_point start = time_point{} + 1h;
  token_bucket bucket(10, 20, start);
  CHECK(take_all(bucket, start) == 20);
  CHECK(take_all(bucket, start + 99ms) == 0);
  CHECK(take_all(bucket, start + 101ms) == 1);
  CHECK(take_all(bucket, start + 1101ms) == 10);
}

TEST_CASE("token_bucket: a time before the last one gains nothing, and loses nothing", "[base][unit]") {
  const time_point start = time_point{} + 1h;
  token_bucket bucket(10, 1, start);
  CHECK(take_all(bucket, start) == 1);
  CHECK(take_all(bucket, start - 1s) == 0);
  CHECK(take_all(bucket, start + 50ms) == 0);
  CHECK(take_all(bucket, start + 101ms) == 1);
}

}  // namespace netlab::token_bucket_test
