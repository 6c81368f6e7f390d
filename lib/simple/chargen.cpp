// SPDX-License-Identifier: MIT
#include "simple/chargen.hpp"

#include <array>
#include <utility>

namespace netlab::simple {
namespace {

constexpr char first_printing = ' ';
constexpr std::size_t printing_count = 95;
constexpr std::size_t line_length = 72;
constexpr std::size_t line_size = line_length + 2;

constexpr auto pattern = [] {
  std::array<char, printing_count * line_size> all{};
  std::size_t at = 0;
  for (std::size_t line = 0; line < printing_count; ++line) {
    for (std::size_t column = 0; column < line_length; ++column)
      all[at++] = static_cast<char>(first_printing + static_cast<char>((line + column) % printing_count));
    all[at++] = '\r';
    all[at++] = '\n';
  }
  return all;
}();

}  // namespace

std::string_view chargen_pattern() { return {pattern.data(), pattern.size()}; }

chargen_session::chargen_session(duration idle_timeout, time_point now)
    : visit(now), idle_timeout_(idle_timeout), next_check_(now + idle_timeout) {}

void chargen_session::tick(time_point now) {
  const auto due = deadline();
  if (!due || *due > now) return;
  if (!std::exchange(has_sent_, false)) done_ = true;
  next_check_ = now + idle_timeout_;
}

bytes chargen_session::take_output() {
  if (done_) return {};
  has_sent_ = true;
  count(pattern.size());
  const bytes_view octets = as_bytes(chargen_pattern());
  return {octets.begin(), octets.end()};
}

std::optional<time_point> chargen_session::deadline() const {
  if (idle_timeout_ == duration(0) || done_) return std::nullopt;
  return next_check_;
}

}  // namespace netlab::simple
