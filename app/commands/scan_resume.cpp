// SPDX-License-Identifier: MIT
#include "commands/scan_resume.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "frame/command.hpp"

namespace netlab::app {
namespace {

// Options that a later run may change: they affect neither the probes nor the report.
constexpr std::array own_options{std::string_view("host"), std::string_view("max-time"), std::string_view("merge"),
                                 std::string_view("resume"), std::string_view("dry-run")};

bool is_kept(const option& one) { return std::ranges::find(own_options, one.name) == own_options.end(); }

std::vector<std::string> targets_of(const arguments& args) {
  std::vector<std::string> all = args.texts("host");
  const std::vector<std::string>& typed = args.positionals();
  if (!args.is_typed("host") && !typed.empty())
    all.clear();  // targets on the command line replace those of the environment
  all.insert(all.end(), typed.begin(), typed.end());
  return all;
}

std::string option_in_words(std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return fmt::format("without --{}", name);
  if (values.size() == 1 && values.front() == "true") return fmt::format("with --{}", name);
  return fmt::format("with --{} {}", name, escape(fmt::format("{}", fmt::join(values, " ")), 80));
}

}  // namespace

result<scan_resume> scan_resume::open(arguments& args) {
  scan_resume made;
  made.raw_name_ = args.text("resume");
  made.name_ = escape(made.raw_name_, 200);
  auto file = scan::state_file::open(made.raw_name_);
  if (!file) return unexpected(file.error());
  made.file_ = *std::move(file);
  made.is_new_ = made.file_.text().empty();
  // --json is short for --format json.
  if (args.is_typed("json") && !args.is_typed("format")) args.supply("format", {"json"}, "--json");
  if (made.is_new_) {
    made.state.version = NETLAB_VERSION;
    made.state.targets = targets_of(args);
    for (const option& each : args.called().options)
      if (is_kept(each) && args.has(each.name)) made.state.options[std::string(each.name)] = args.texts(each.name);
    return made;
  }
  auto state = scan::parse_scan_state(made.file_.text(), NETLAB_VERSION);
  if (!state)
    return unexpected(failure{state.error().code, fmt::format("state file {}", made.name_), state.error().detail,
                              state.error().hint});
  made.state = *std::move(state);
  const auto other = [&](std::string was) {
    return unexpected(failure{make_error_code(errc::bad_configuration), fmt::format("state file {}", made.name_),
                              fmt::format("its scan was begun {}", was),
                              "leave out the option, or begin another scan with another file"});
  };
  const bool has_targets = args.is_typed("host") || !args.positionals().empty();
  if (has_targets && targets_of(args) != made.state.targets)
    return other(fmt::format("for {}", made.state.targets.empty()
                                           ? std::string("this machine")
                                           : escape(fmt::format("{}", fmt::join(made.state.targets, " ")), 80)));
  for (const option& each : args.called().options) {
    if (!is_kept(each)) continue;
    const auto found = made.state.options.find(std::string(each.name));
    const auto its = found == made.state.options.end() ? std::vector<std::string>() : found->second;
    const bool is_json = each.name == "format" && args.is_typed("json");
    const bool is_typed = args.is_typed(each.name) || is_json;
    if (is_typed && args.texts(each.name) != its) return other(option_in_words(each.name, its));
    args.supply(each.name, its, fmt::format("state file {}", made.name_));
  }
  args.supply("host", {}, {});
  args.supply_positionals(made.state.targets);
  return made;
}

result<void> scan_resume::save() {
  if (const std::error_code why = file_.replace(to_text(state)))
    return unexpected(failure{make_error_code(errc::output_lost), fmt::format("write {}", name_), message_of(why), {}});
  return {};
}

}  // namespace netlab::app
