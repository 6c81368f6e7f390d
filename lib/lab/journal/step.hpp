// SPDX-License-Identifier: MIT
// The twelve steps of the exercise sheet, and how far a team has come with each.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netlab::lab {

/// The time of day in the journal, in milliseconds.
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

enum class sheet_step : std::uint8_t {
  calc_tcp,
  calc_udp,
  telnet,           ///< a line of text to calc, answered
  several_clients,  ///< two connections to calc at the same time, both answered
  local_end,        ///< a client that chose its own source port
  echo_tcp,
  echo_udp,
  scan_tcp,         ///< ports 1 to 50
  scan_udp,
  mail_by_hand,     ///< typed, over STARTTLS
  mail_by_program,
  sender_differs,   ///< the envelope sender is not in From
};
inline constexpr std::size_t step_count = 12;
using step_list = std::array<sheet_step, step_count>;

/// In the order of the sheet.
[[nodiscard]] const step_list& all_steps() noexcept;
/// `calc_tcp`
[[nodiscard]] std::string_view name_of(sheet_step which) noexcept;
/// `calc by TCP`
[[nodiscard]] std::string_view title_of(sheet_step which) noexcept;
[[nodiscard]] std::optional<sheet_step> parse_step(std::string_view name) noexcept;

enum class step_state : std::uint8_t { none, tried, done };
/// `none`, `tried`, `done`
[[nodiscard]] std::string_view name_of(step_state which) noexcept;
[[nodiscard]] std::optional<step_state> parse_step_state(std::string_view name) noexcept;

/// What an event means for a step.
struct step_mark {
  sheet_step which = sheet_step::calc_tcp;
  step_state state = step_state::none;
  std::string note;  ///< what was wrong or observed: `sent little-endian`

  friend bool operator==(const step_mark&, const step_mark&) = default;
};

/// One cell of the table. Once done, it stays done.
struct step_cell {
  step_state state = step_state::none;
  wall_time at{};  ///< of the last try, or of the first success
  std::string note;
  std::uint32_t tries = 0;         ///< failed tries before the first success
  wall_time first_failed_at{};     ///< valid if tries > 0
};

}  // namespace netlab::lab
