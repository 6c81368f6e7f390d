// SPDX-License-Identifier: MIT
// Composes the tables of an action at compile time from rows that several actions share and from its own.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>

#include "frame/command.hpp"

namespace netlab::app {

/// The rows of all tables, sorted by name: action::options.
template <std::size_t... Sizes>
[[nodiscard]] consteval auto merge_options(const std::array<option, Sizes>&... tables) {
  std::array<option, (Sizes + ...)> all{};
  auto end = all.begin();
  ((end = std::ranges::copy(tables, end).out), ...);
  std::ranges::sort(all, {}, &option::name);
  return all;
}

/// The statuses that nearly every action can return, and these, ascending: action::statuses.
template <std::same_as<exit_status>... Others>
[[nodiscard]] consteval auto usual_statuses_and(Others... others) {
  using enum exit_status;
  std::array all{done, usage, internal, system, input_output, configuration, interrupted, terminated, others...};
  std::ranges::sort(all);
  return all;
}

}  // namespace netlab::app
