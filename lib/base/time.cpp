// SPDX-License-Identifier: MIT
#include "base/time.hpp"

#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab {
namespace {

struct unit {
  std::string_view name;
  double nanoseconds;
};

constexpr std::array<unit, 6> units{{
    {"", 1e9},
    {"h", 3600e9},
    {"m", 60e9},
    {"ms", 1e6},
    {"s", 1e9},
    {"us", 1e3},
}};

constexpr double longest_nanoseconds = 1000.0 * 3600e9;  // far from overflow, longer than any run

}  // namespace

result<duration> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return fail(errc::usage, fmt::format("'{}' is not a duration", escape(text)), "write 250ms, 2s or 1m");
  };
  if (text.empty() || text.front() == '-') return bad();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return bad();
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const unit& each : units) {
    if (each.name != suffix) continue;
    const double nanoseconds = number * each.nanoseconds;
    if (!(nanoseconds <= longest_nanoseconds)) return bad();
    return duration(static_cast<duration::rep>(nanoseconds));
  }
  return bad();
}

std::string to_string(duration span) {
  const auto nanoseconds = static_cast<double>(span.count());
  // Use the next unit where three digits would round to 1000; {:g} would write 1e+03.
  if (nanoseconds < 999.5e3) return fmt::format("{:.3g} µs", nanoseconds / 1e3);
  if (nanoseconds < 999.5e6) return fmt::format("{:.3g} ms", nanoseconds / 1e6);
  if (nanoseconds < 9999.5e9) return fmt::format("{:.4g} s", nanoseconds / 1e9);
  return fmt::format("{:.0f} s", nanoseconds / 1e9);
}

std::string to_timestamp(std::chrono::sys_time<std::chrono::milliseconds> at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::chrono::minutes local_utc_offset(std::chrono::sys_seconds at) {
  const std::time_t seconds = at.time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return std::chrono::minutes(local.tm_gmtoff / 60);
}

}  // namespace netlab
