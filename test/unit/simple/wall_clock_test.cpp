// SPDX-License-Identifier: MIT
#include "simple/wall_clock.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/octets.hpp"

namespace netlab::simple::wall_clock_test {

using namespace std::chrono_literals;

namespace {

wall_time at(int year, unsigned month, unsigned day, std::chrono::seconds since_midnight) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)) +
         since_midnight;
}

std::string time_at(std::int64_t since_1970) {
  return test::hex(as_text(simple::time_octets(wall_time(std::chrono::seconds(since_1970)))));
}

}  // namespace

TEST_CASE("daytime: a line as RFC 867 suggests it, in UTC", "[simple][unit]") {
  CHECK(simple::daytime_line(wall_time{}) == "Thursday, January 1, 1970 00:00:00-UTC\r\n");
  CHECK(simple::daytime_line(at(1982, 2, 22, 17h + 37min + 43s)) == "Monday, February 22, 1982 17:37:43-UTC\r\n");
  CHECK(simple::daytime_line(at(2000, 2, 29, 23h + 59min + 59s)) == "Tuesday, February 29, 2000 23:59:59-UTC\r\n");
  const std::string longest = simple::daytime_line(at(2026, 9, 30, 0s));
  CHECK(longest == "Wednesday, September 30, 2026 00:00:00-UTC\r\n");
  CHECK(longest.size() <= 48);
}

TEST_CASE("time: the seconds since 1900, RFC 868's own examples", "[simple][unit]") {
  // 1 Jan 1970, 1976, 1980, 1 May 1983; 17 Nov 1858 is earlier, with the number -1,297,728,000.
  CHECK(time_at(0) == test::hex(test::octets("83aa7e80")));
  const auto number = [](int year, unsigned month) {
    const bytes octets = simple::time_octets(at(year, month, 1, 0s));
    return load_u32(octets, byte_order::big);
  };
  CHECK(number(1976, 1) == 2'398'291'200U);
  CHECK(number(1980, 1) == 2'524'521'600U);
  CHECK(number(1983, 5) == 2'629'584'000U);
  CHECK(load_u32(simple::time_octets(at(1858, 11, 17, 0s)), byte_order::big) ==
        static_cast<std::uint32_t>(-1'297'728'000));
}

TEST_CASE("time: after February 2036 the 32 bits begin again", "[simple][unit]") {
  CHECK(time_at(2'085'978'495) == test::hex(test::octets("ffffffff")));
  CHECK(time_at(2'085'978'496) == test::hex(test::octets("00000000")));
}

}  // namespace netlab::simple::wall_clock_test
