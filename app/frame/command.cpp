// SPDX-License-Identifier: MIT
#include "frame/command.hpp"

#include <algorithm>
#include <array>

namespace netlab::app {
namespace {

constexpr std::array common_table{
    option{.name = "color",
           .argument = "WHEN",
           .help = "bold type: auto, always or never",
           .fallback = "auto",
           .choices = "auto always never"},
    option{.name = "help", .letter = 'h', .help = "show this help"},
    option{.name = "json", .help = "results as JSON, one object per line"},
    option{.name = "quiet", .letter = 'q', .help = "only results and errors"},
    option{.name = "verbose", .letter = 'v', .help = "more detail, on stderr"},
};

}  // namespace

std::span<const command> commands() noexcept {
  static const std::array all{base64_command, calc_command, connect_command, echo_command, lab_command,
                              mail_command,   scan_command, sockets_command, trace_command};
  return all;
}

const command* find_command(std::string_view name) noexcept {
  const auto all = commands();
  const auto found = std::find_if(all.begin(), all.end(), [&](const command& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const action* find_action(const command& in, std::string_view verb) noexcept {
  const auto found =
      std::find_if(in.actions.begin(), in.actions.end(), [&](const action& each) { return each.verb() == verb; });
  return found == in.actions.end() ? nullptr : &*found;
}

std::span<const option> common_options() noexcept { return common_table; }

namespace {

template <class Predicate>
const option* find_option_if(const action& of, Predicate matches) noexcept {
  for (const auto options : {of.options, common_options()}) {
    const auto found = std::find_if(options.begin(), options.end(), matches);
    if (found != options.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

const option* find_option(const action& of, std::string_view name) noexcept {
  return find_option_if(of, [&](const option& each) { return each.name == name; });
}

const option* find_option(const action& of, char letter) noexcept {
  return find_option_if(of, [&](const option& each) { return each.letter == letter; });
}

}  // namespace netlab::app
