// SPDX-License-Identifier: MIT
#include "lab/journal/step.hpp"

#include <algorithm>

namespace netlab::lab {
namespace {

struct step_entry {
  sheet_step which;
  std::string_view name;
  std::string_view title;
};

constexpr std::array<step_entry, step_count> step_table{{
    {sheet_step::calc_tcp, "calc_tcp", "calc by TCP"},
    {sheet_step::calc_udp, "calc_udp", "calc by UDP"},
    {sheet_step::telnet, "telnet", "calc over telnet"},
    {sheet_step::several_clients, "several_clients", "several clients at once"},
    {sheet_step::local_end, "local_end", "a local end of its own"},
    {sheet_step::echo_tcp, "echo_tcp", "echo by TCP"},
    {sheet_step::echo_udp, "echo_udp", "echo by UDP"},
    {sheet_step::scan_tcp, "scan_tcp", "scan TCP 1-50"},
    {sheet_step::scan_udp, "scan_udp", "scan UDP 1-50"},
    {sheet_step::mail_by_hand, "mail_by_hand", "mail by hand over STARTTLS"},
    {sheet_step::mail_by_program, "mail_by_program", "mail by program"},
    {sheet_step::sender_differs, "sender_differs", "sender and From differ"},
}};

constexpr step_list make_list() {
  step_list list{};
  for (std::size_t at = 0; at < step_count; ++at) list[at] = step_table[at].which;
  return list;
}
constexpr step_list steps = make_list();

constexpr std::array<std::string_view, 3> state_names{"none", "tried", "done"};

}  // namespace

const step_list& all_steps() noexcept { return steps; }

std::string_view name_of(sheet_step which) noexcept { return step_table[static_cast<std::size_t>(which)].name; }

std::string_view title_of(sheet_step which) noexcept { return step_table[static_cast<std::size_t>(which)].title; }

std::optional<sheet_step> parse_step(std::string_view name) noexcept {
  for (const step_entry& each : step_table)
    if (each.name == name) return each.which;
  return std::nullopt;
}

std::string_view name_of(step_state which) noexcept { return state_names[static_cast<std::size_t>(which)]; }

std::optional<step_state> parse_step_state(std::string_view name) noexcept {
  const auto found = std::find(state_names.begin(), state_names.end(), name);
  if (found == state_names.end()) return std::nullopt;
  return static_cast<step_state>(found - state_names.begin());
}

}  // namespace netlab::lab
