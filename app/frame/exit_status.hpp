// SPDX-License-Identifier: MIT
// netlab's exit statuses; the numbers are those of sysexits.h if it has one.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"

namespace netlab::app {

enum class exit_status : int {
  done = 0,
  partly_done = 1,
  usage = 64,
  bad_data = 65,
  no_input = 66,
  no_host = 68,
  unavailable = 69,
  internal = 70,
  system = 71,
  cannot_create = 73,
  input_output = 74,
  try_later = 75,
  protocol = 76,
  not_permitted = 77,
  configuration = 78,
  interrupted = 130,
  terminated = 143,
};

[[nodiscard]] exit_status status_of(const std::error_code& code) noexcept;
[[nodiscard]] inline exit_status status_of(const failure& why) noexcept { return status_of(why.code); }

struct status_meaning {
  exit_status status;
  std::string_view meaning;
};
/// All of them, ascending, as in the man pages and in `netlab help --json`.
[[nodiscard]] std::span<const status_meaning> status_meanings() noexcept;

}  // namespace netlab::app
