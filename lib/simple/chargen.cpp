// SPDX-License-Identifier: MIT
#include "simple/chargen.hpp"

#include <array>
#include <utility>

namespace netlab::simple {
namespace {

constexpr char first_printing = ' ';
constexpr std::size_t printing = 95;
constexpr std::size_t line_length = 72;
constexpr std::size_t line_size = line_length + 2;

constexpr auto pattern = [] {
  std::array<char, printing * line_size> all{};
  std::size_t at = 0;
  for (std::size_t line = 0; line < printing; ++line) {
    for (std::size_t column = 0; column < line_length; ++column)
      all[at++] = static_cast<char>(first_printing + static_cast<char>((line + column) % printing));
    all[at++] = '\r';
    all[at++] = '\n';
  }
  return all;
}();

}  // namespace

std::string_view chargen_pattern() { return {pattern.data(), pattern.size()}; }

chargen_session::chargen_session(duration idle_timeout, time_point now)
    : visit(now), idle_timeout_(idle_timeout), looks_again_(now + idle_timeout) {}

void chargen_session::tick(time_point now) {
  const auto due = deadline();
  if (!due || *due > now) return;
  if (!std::exchange(was_asked_, false)) done_ = true;
  looks_again_ = now + idle_timeout_;
}

bytes chargen_session::take_output() {
  if (done_) return {};
  was_asked_ = true;
  count(pattern.size());
  const bytes_view turn = as_bytes(chargen_pattern());
  return {turn.begin(), turn.end()};
}

std::optional<time_point> chargen_session::deadline() const {
  if (idle_timeout_ == duration(0) || done_) return std::nullopt;
  return looks_again_;
}

}  // namespace netlab::simple
