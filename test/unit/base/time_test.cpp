// SPDX-License-Identifier: MIT
#include "base/time.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <ctime>
#include <string>

#include "support/failure.hpp"

namespace netlab::time_test {

using namespace std::chrono_literals;
using test::failed_with;

TEST_CASE("parse_duration: a number with a unit, and without one seconds", "[base][unit]") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("2s") == 2s);
  CHECK(parse_duration("1m") == 1min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("10us") == 10us);
  CHECK(parse_duration("3") == 3s);
  CHECK(parse_duration("1.5") == 1500ms);
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("1000h") == 1000h);
}

TEST_CASE("parse_duration: refuses what is none, what is negative and what is longer than any run", "[base][unit]") {
  for (const auto text : {"", "s", "-1s", "-0", "1x", "1 s", "1S", "1e3", "0x10", "inf", "infs", "nan", "nanms", "1ss",
                          "1001h", "1e400", "99999999999999999999", "2s1ms", "+1"}) {
    INFO(text);
    CHECK(failed_with(parse_duration(text), errc::usage));
  }
}

TEST_CASE("parse_duration: a strange text is safe to show", "[base][unit]") {
  CHECK(test::why(parse_duration("1\x1b")) == "'1\\x1b' is not a duration (write 250ms, 2s or 1m)");
}

TEST_CASE("to_string: a duration has three digits and a unit", "[base][unit]") {
  CHECK(to_string(duration(85us)) == "85 µs");
  CHECK(to_string(duration(1250us)) == "1.25 ms");
  CHECK(to_string(duration(2s)) == "2 s");
  CHECK(to_string(duration(1500ms)) == "1.5 s");
  CHECK(to_string(duration(0s)) == "0 µs");
  CHECK(to_string(duration(5min)) == "300 s");
}

TEST_CASE("to_string: a duration just below the next unit is written without an exponent", "[base][unit]") {
  CHECK(to_string(duration(999'700ns)) == "1 ms");
  CHECK(to_string(duration(999'700us)) == "0.9997 s");
  CHECK(to_string(duration(10h)) == "36000 s");
}

TEST_CASE("earlier: an absent deadline does not count", "[base][unit]") {
  const time_point now{};
  CHECK(earlier(never, std::nullopt) == never);
  CHECK(earlier(never, now) == now);
  CHECK(earlier(now, now + 1s) == now);
}

TEST_CASE("to_timestamp: a time as RFC 3339 writes it", "[base][unit]") {
  using std::chrono::sys_days;
  CHECK(to_timestamp({}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_timestamp(sys_days(2026y / 11 / 30) + 10h + 38min + 59s + 123ms) == "2026-11-30T10:38:59.123Z");
  CHECK(to_timestamp(sys_days(1970y / 1 / 1) - 1ms) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("local_utc_offset: as $TZ says, east of Greenwich positive", "[base][unit]") {
  const char* const set = std::getenv("TZ");
  const std::string before = set == nullptr ? "" : set;
  const auto offset_in = [](const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    return local_utc_offset(std::chrono::sys_seconds(std::chrono::seconds(1'796'000'000)));
  };
  CHECK(offset_in("AAA-05:30") == 330min);
  CHECK(offset_in("BBB+08") == -480min);
  CHECK(offset_in("UTC") == 0min);
  set == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", before.c_str(), 1);
  ::tzset();
}

}  // namespace netlab::time_test
