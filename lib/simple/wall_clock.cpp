// SPDX-License-Identifier: MIT
#include "simple/wall_clock.hpp"

#include <array>

#include <fmt/format.h>

namespace netlab::simple {
namespace {

constexpr std::array<const char*, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};
constexpr std::array<const char*, 12> months{"January", "February", "March",     "April",   "May",      "June",
                                             "July",    "August",   "September", "October", "November", "December"};

constexpr std::int64_t from_1900_to_1970 = 2'208'988'800;  // RFC 868

}  // namespace

std::string daytime_line(wall_time now) {
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss of_day(now - midnight);
  return fmt::format("{}, {} {}, {} {:02}:{:02}:{:02}-UTC\r\n", weekdays[std::chrono::weekday(midnight).c_encoding()],
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
                     static_cast<int>(date.year()), of_day.hours().count(), of_day.minutes().count(),
                     of_day.seconds().count());
}

bytes time_octets(wall_time now) {
  bytes octets;
  append_u32(octets, static_cast<std::uint32_t>(now.time_since_epoch().count() + from_1900_to_1970), byte_order::big);
  return octets;
}

}  // namespace netlab::simple
