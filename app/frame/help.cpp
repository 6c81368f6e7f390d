// SPDX-License-Identifier: MIT
#include "frame/help.hpp"

#include <algorithm>

#include <cxxopts.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include "base/text.hpp"
#include "frame/settings.hpp"
#include "net/asio.hpp"

namespace netlab::app {
namespace {

constexpr std::string_view program_summary = "learn, run and measure networks";

/// `table, json or csv`, unless the option's help already names them.
std::string unnamed_choices(const option& of) {
  std::string spoken(of.help);
  std::replace_if(spoken.begin(), spoken.end(), [](char c) { return std::string_view(",;:()").contains(c); }, ' ');
  const auto named = words(spoken);
  const auto all = words(of.choices);
  const auto is_named = [&](std::string_view choice) { return std::ranges::find(named, choice) != named.end(); };
  if (std::ranges::all_of(all, is_named)) return {};
  std::string text;
  for (std::size_t at = 0; at < all.size(); ++at)
    text += fmt::format("{}{}", at == 0 ? "" : at + 1 == all.size() ? " or " : ", ", all[at]);
  return text;
}

std::string option_text(const option& each) {
  std::string left = each.letter == 0 ? std::string("      ") : fmt::format("  -{}, ", each.letter);
  left += fmt::format("--{}", each.name);
  if (!each.argument.empty()) left += fmt::format(" {}", each.argument);
  constexpr std::size_t column = 28;
  if (left.size() + 2 > column) {
    left += '\n';
    left.append(column, ' ');
  } else {
    left.append(column - left.size(), ' ');
  }
  std::string says(each.help);
  std::string in_brackets = unnamed_choices(each);
  if (!each.fallback.empty())
    in_brackets += fmt::format("{}default {}", in_brackets.empty() ? "" : "; ", each.fallback);
  if (!in_brackets.empty()) says += fmt::format(" ({})", in_brackets);
  if (each.repeatable) says += " (repeatable)";
  return left + fill(says, help_width, column, column) + "\n";
}

/// The order in help: by name, except options listed after another one.
std::vector<const option*> in_order_of_help(std::span<const option> options) {
  std::vector<const option*> order;
  for (const option& each : options) {
    if (!each.beside.empty()) continue;
    order.push_back(&each);
    for (const option& other : options)
      if (other.beside == each.name) order.push_back(&other);
  }
  return order;
}

std::string text_of_group(const action& of, const option_group& group) {
  std::string text = fmt::format("\n{}:\n", group.title);
  for (const std::string_view name : words(group.options))
    if (const option* each = find_option(of, name)) text += option_text(*each);
  return text;
}

nlohmann::ordered_json describe_option(const action& of, const option& each) {
  nlohmann::ordered_json out;
  out["name"] = each.name;
  if (each.letter != 0) out["letter"] = std::string(1, each.letter);
  if (!each.argument.empty()) out["argument"] = each.argument;
  out["help"] = each.help;
  if (!each.fallback.empty()) out["default"] = each.fallback;
  if (each.repeatable) out["repeatable"] = true;
  if (!each.beside.empty()) out["beside"] = each.beside;
  if (!each.choices.empty()) out["choices"] = words(each.choices);
  if (const std::string choices = unnamed_choices(each); !choices.empty()) out["choices_in_words"] = choices;
  if (each.name != "help") out["variable"] = variable_name(of, each);
  return out;
}

nlohmann::ordered_json describe_action(const action& which) {
  nlohmann::ordered_json out;
  out["path"] = which.path;
  out["summary"] = which.summary;
  out["arguments"] = which.operands;
  out["transports"] = which.takes_transport;
  if (!which.operand_choices.empty()) out["operand_choices"] = words(which.operand_choices);
  out["description"] = which.description;
  out["options"] = nlohmann::ordered_json::array();
  for (const option& each : which.options) out["options"].push_back(describe_option(which, each));
  for (const option& each : common_options()) {
    out["options"].push_back(describe_option(which, each));
    out["options"].back()["common"] = true;
  }
  out["groups"] = nlohmann::ordered_json::array();
  for (const option_group& each : which.groups)
    out["groups"].push_back({{"title", each.title}, {"options", words(each.options)}});
  out["examples"] = nlohmann::ordered_json::array();
  for (const example& each : which.examples) out["examples"].push_back({{"line", each.line}, {"says", each.says}});
  out["statuses"] = nlohmann::ordered_json::array();
  for (const exit_status each : which.statuses) out["statuses"].push_back(static_cast<int>(each));
  return out;
}

}  // namespace

std::string overview() {
  std::string text = fmt::format("netlab: {}\n\n", program_summary);
  text +=
      "Usage: netlab COMMAND [SUBCOMMAND] [OPTIONS] [ARGUMENTS]\n\n"
      "Commands:\n";
  for (const command& each : commands()) text += fmt::format("  {:<12}{}\n", each.name, each.summary);
  text +=
      "\n"
      "netlab help COMMAND (or netlab COMMAND --help) shows the options of a command,\nman netlab-COMMAND its full "
      "manual.\n"
      "netlab --version shows the version. New here? Try: netlab lab tour\n";
  return text;
}

std::string help_for(const command& which) {
  if (which.actions.size() == 1 && which.actions.front().verb().empty()) return help_for(which.actions.front());
  std::string text = fmt::format("netlab {}: {}\n\nUsage: netlab {} SUBCOMMAND [OPTIONS] [ARGUMENTS]\n\nSubcommands:\n",
                                 which.name, which.summary, which.name);
  for (const action& each : which.actions) text += fmt::format("  {:<12}{}\n", each.verb(), each.summary);
  text += fmt::format("\nnetlab {} SUBCOMMAND --help shows the options, man netlab-{} the manual.\n", which.name,
                      which.name);
  return text;
}

std::string help_for(const action& which) {
  std::string usage =
      fmt::format("Usage: netlab {}{} [OPTIONS]", which.path, which.takes_transport ? " [tcp|udp]" : "");
  if (!which.operands.empty()) usage += fmt::format(" {}", which.operands);
  std::string text = fmt::format("netlab {}: {}\n\n{}\n\n", which.path, which.summary, usage);
  text += fill(which.description, help_width) + "\n";
  for (const option_group& each : which.groups) text += text_of_group(which, each);
  if (which.groups.empty() && !which.options.empty()) {
    text += "\nOptions:\n";
    for (const option* each : in_order_of_help(which.options)) text += option_text(*each);
  }
  text += "\nCommon options:\n";
  for (const option& each : common_options()) text += option_text(each);
  if (!which.examples.empty()) text += "\nExamples:\n";
  for (const example& each : which.examples)
    text += fmt::format("  {}\n      {}\n", each.line, fill(each.says, help_width, 6, 6));
  return text;
}

nlohmann::ordered_json describe_all() {
  nlohmann::ordered_json out;
  out["version"] = NETLAB_VERSION;
  out["summary"] = program_summary;
  out["commands"] = nlohmann::ordered_json::array();
  for (const command& each : commands()) {
    nlohmann::ordered_json entry;
    entry["name"] = each.name;
    entry["summary"] = each.summary;
    entry["actions"] = nlohmann::ordered_json::array();
    for (const action& verb : each.actions) entry["actions"].push_back(describe_action(verb));
    out["commands"].push_back(std::move(entry));
  }
  out["statuses"] = nlohmann::ordered_json::object();
  for (const status_meaning& each : status_meanings())
    out["statuses"][std::to_string(static_cast<int>(each.status))] = each.meaning;
  return out;
}

std::string version_text() {
  return fmt::format("netlab {}\nAsio {}.{}.{}, {}, fmt {}.{}.{}, cxxopts {}.{}.{}, nlohmann_json {}.{}.{}\n",
                     NETLAB_VERSION, ASIO_VERSION / 100000, ASIO_VERSION / 100 % 1000, ASIO_VERSION % 100,
                     OpenSSL_version(OPENSSL_VERSION), FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100,
                     CXXOPTS__VERSION_MAJOR, CXXOPTS__VERSION_MINOR, CXXOPTS__VERSION_PATCH,
                     NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH);
}

}  // namespace netlab::app
