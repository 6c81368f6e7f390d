// SPDX-License-Identifier: MIT
#include "mail/server/rate_limit.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <thread>
#include <vector>

#include "support/failure.hpp"

namespace netlab::mail::rate_limit_test {

using namespace std::chrono_literals;

TEST_CASE("rate limit: so many in each stretch of time, which begins with the first", "[mail][rate]") {
  rate_limit rate(3, 10s);
  const time_point start{100s};
  CHECK_FALSE(rate.is_exhausted("a", start));
  for (int each = 0; each < 3; ++each) CHECK(rate.take("a", start + 1s * each));
  CHECK(rate.is_exhausted("a", start + 3s));
  CHECK_FALSE(rate.take("a", start + 3s));
  CHECK_FALSE(rate.take("a", start + 10s - 1ns));
  CHECK_FALSE(rate.is_exhausted("a", start + 10s));
  CHECK(rate.take("a", start + 10s));
  CHECK(rate.take("a", start + 19s));
  CHECK(rate.take("a", start + 20s));
}

TEST_CASE("rate limit: each client has its own", "[mail][rate]") {
  rate_limit rate(1, 10s);
  CHECK(rate.take("a", time_point(1s)));
  CHECK(rate.take("b", time_point(1s)));
  CHECK_FALSE(rate.take("a", time_point(1s)));
}

TEST_CASE("rate limit: of too many clients the oldest is forgotten", "[mail][rate]") {
  rate_limit rate(1, 24h);
  for (std::size_t each = 0; each <= rate_limit::max_clients; ++each)
    CHECK(rate.take(std::to_string(each), time_point(1s * static_cast<long>(each))));
  const time_point now{1s * static_cast<long>(rate_limit::max_clients)};
  CHECK(rate.is_exhausted("1", now));
  CHECK_FALSE(rate.is_exhausted("0", now));
}

TEST_CASE("rate limit: it is written as messages in a time", "[mail][rate]") {
  struct expectation {
    std::string text;
    std::uint64_t messages;
    duration per;
  };
  const auto one = GENERATE(values<expectation>({{"10", 10, 1min},
                                                 {"10/s", 10, 1s},
                                                 {"5/m", 5, 1min},
                                                 {"7/h", 7, 1h},
                                                 {"1/250ms", 1, 250ms},
                                                 {"100/2h", 100, 2h}}));
  const auto got = rate_limit::parse(one.text);
  REQUIRE(got);
  CHECK(got->messages == one.messages);
  CHECK(got->per == one.per);
  for (const char* text : {"", "0", "0/s", "x", "10/", "10/0", "10/x", "-1/s", "1/2/3"})
    CHECK(test::failed_with(rate_limit::parse(text), errc::usage));
}

TEST_CASE("rate limit: several threads take no more than there are", "[mail][rate]") {
  rate_limit rate(1000, 1h);
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < 4; ++number)
      threads.emplace_back([&] {
        for (int each = 0; each < 500; ++each)
          if (rate.take("a", time_point(1s))) ++taken;
      });
  }
  CHECK(taken == 1000);
}

}  // namespace netlab::mail::rate_limit_test
