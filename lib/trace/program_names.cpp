// SPDX-License-Identifier: MIT
#include "trace/program_names.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::trace {
namespace {

std::string_view without_directory(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

/// The first word after an interpreter's options; empty if the script is part of the command (-c, -m) or comes from
/// stdin.
std::string_view script_of(std::span<const std::string> words) {
  for (const std::string& word : words.subspan(1)) {
    if (word == "-c" || word == "-m" || word == "-e" || word == "-") return {};
    if (!word.starts_with('-')) return word;
  }
  return {};
}

bool is_interpreter(std::string_view name) {
  constexpr std::array<std::string_view, 9> names{"python", "perl", "ruby", "node", "bash", "sh", "dash", "php", "lua"};
  while (!name.empty() && (is_digit(name.back()) || name.back() == '.')) name.remove_suffix(1);
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string make_program_name(std::span<const std::string> words) {
  if (words.empty() || words.front().empty()) return "?";
  std::string_view name = without_directory(words.front());
  if (name.starts_with('-')) name.remove_prefix(1);  // a login shell
  if (is_interpreter(name))
    if (const std::string_view script = script_of(words); !script.empty()) name = without_directory(script);
  return escape(name, 40);
}

void program_names::add(process_id process, std::span<const std::string> words) {
  const std::string name = make_program_name(words);
  if (const auto old = plain_.find(process); old != plain_.end() && old->second == name) return;
  plain_[process] = name;
  const unsigned count = ++counts_[name];
  names_[process] = count == 1 ? name : fmt::format("{}#{}", name, count);
}

std::string program_names::name_of(process_id process) const {
  const auto found = names_.find(process);
  return found == names_.end() ? fmt::format("process {}", process) : found->second;
}

}  // namespace netlab::trace
