// SPDX-License-Identifier: MIT
// Finds the command by the name that netlab was called with, or by the first argument.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "frame/advice.hpp"
#include "frame/cli.hpp"
#include "frame/command.hpp"
#include "frame/console.hpp"
#include "frame/help.hpp"
#include "frame/out_of_memory.hpp"

namespace netlab::app {
namespace {

using word_list = std::span<const std::string>;

bool is_help(const std::string& word) { return word == "--help" || word == "-h" || word == "help"; }

exit_status show(std::string_view text) {
  console out({.command = "netlab"});
  out.raw(text);
  return out.finish(exit_status::done);
}

exit_status refuse(std::string command, failure why) {
  console out({.command = std::move(command)});
  out.error(why);
  return status_of(why);
}

/// Suggests a word by meaning, then by spelling, then refers to the help.
exit_status refuse_unknown(const std::string& command, std::string_view kind, const std::string& word,
                           std::string advice, const std::vector<std::string_view>& known) {
  if (advice.empty()) {
    std::string_view near = nearest(word, known);
    if (near == "version") near = "--version";
    advice = near.empty() ? fmt::format("see {} --help", command) : fmt::format("did you mean '{}'?", near);
  }
  return refuse(
      command,
      {make_error_code(errc::usage), {}, fmt::format("unknown {} '{}'", kind, escape(word, 60)), std::move(advice)});
}

exit_status refuse_command(const std::string& word, word_list more = {}) {
  std::vector<std::string_view> known{"help", "version"};
  for (const command& each : commands()) known.push_back(each.name);
  for (const command& each : commands())  // for users who write them as one word: calc-serve
    for (const action& one : each.actions) known.push_back(one.path);
  return refuse_unknown("netlab", "command", word, advice_for_command(word, more), known);
}

exit_status refuse_verb(const command& in, const std::string& word, word_list more = {}) {
  std::vector<std::string_view> known;
  for (const action& each : in.actions) known.push_back(each.verb());
  return refuse_unknown(fmt::format("netlab {}", in.name), "subcommand", word, advice_for_subcommand(in, word, more),
                        known);
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

result<color_choice> parse_color(std::string_view text) {
  if (text == "auto") return color_choice::automatic;
  if (text == "always") return color_choice::always;
  if (text == "never") return color_choice::never;
  return fail(errc::usage, fmt::format("'{}' is not a choice", escape(text, 60)), "auto, always or never");
}

/// Reports a system resource whose refusal came as an exception: a thread, or a part of an event loop. The exception
/// names an internal function and not the action.
exit_status refuse_resource(const std::system_error& error, console& out) {
  const bool is_thread = error.code() == std::errc::resource_unavailable_try_again;
  if (!is_thread && classify(error.code()) != error_class::system_resources)
    return out.refuse({make_error_code(errc::internal), {}, fmt::format("internal error: {}", error.what()), {}});
  out.error({error.code(), is_thread ? "start a thread" : "start the event loop"});
  return exit_status::system;
}

exit_status run_action(const action& which, word_list typed) {
  const std::string name = fmt::format("netlab {}", which.path);
  name_command(name);
  if (asks_for_help(which, typed)) return show(help_for(which));
  const auto from = settings::load(environment);
  if (!from) return refuse(name, from.error());
  auto args = parse_arguments(which, typed, *from);
  if (!args) return refuse(name, args.error());
  console_options options{
      .command = name, .quiet = args->flag("quiet"), .verbose = args->flag("verbose"), .json = args->flag("json")};
  options.color = args->as("color", parse_color);
  if (args->error()) return refuse(name, *args->error());
  console out(std::move(options));
  for (const std::string& line : from->ignored_variables()) out.note(line);
  for (const std::string& line : args->ignored_options()) out.note(line);
  try {
    return out.finish(which.run(*args, out));
  } catch (const std::system_error& error) {
    return out.finish(refuse_resource(error, out));
  }
}

// `netlab help [COMMAND [SUBCOMMAND]]`; with --json, everything at once.
exit_status run_help(word_list words) {
  if (!words.empty() && words.front() == "netlab") words = words.subspan(1);
  if (words.empty()) return show(overview());
  if (words.front() == "--json") return show(describe_all().dump() + "\n");
  if (is_help(words.front())) return show(overview());
  const command* which = find_command(words.front());
  if (which == nullptr) return refuse_command(words.front(), words.subspan(1));
  if (words.size() == 1) return show(help_for(*which));
  const action* verb = find_action(*which, words[1]);
  if (verb == nullptr) return refuse_verb(*which, words[1]);
  return show(help_for(*verb));
}

exit_status run_command(const command& which, word_list words) {
  if (!words.empty() && (words.front() == "--version" || words.front() == "-V")) return show(version_text());
  if (const action* only = find_action(which, {})) {
    if (words.size() == 1 && words.front() == "help" && !only->takes_text) return show(help_for(*only));
    return run_action(*only, words);
  }
  if (words.empty()) {
    std::string verbs;
    for (const action& each : which.actions) verbs += fmt::format("{}{}", verbs.empty() ? "" : ", ", each.verb());
    return refuse(fmt::format("netlab {}", which.name), {make_error_code(errc::usage),
                                                         {},
                                                         fmt::format("a subcommand is missing: {}", verbs),
                                                         fmt::format("see netlab {} --help", which.name)});
  }
  if (is_help(words.front())) {
    if (words.size() == 1) return show(help_for(which));
    words = words.subspan(1);
    const action* verb = find_action(which, words.front());
    return verb == nullptr ? refuse_verb(which, words.front()) : show(help_for(*verb));
  }
  const action* verb = find_action(which, words.front());
  if (verb == nullptr) return refuse_verb(which, words.front(), words.subspan(1));
  return run_action(*verb, words.subspan(1));
}

// The part of argv[0] that may be a command: `netlab-calc` and `calc`, after any directory.
std::string_view called_as(std::string_view argv0) {
  if (const auto slash = argv0.rfind('/'); slash != std::string_view::npos) argv0.remove_prefix(slash + 1);
  if (argv0.starts_with("netlab-")) argv0.remove_prefix(7);
  return argv0;
}

exit_status run(std::span<char*> argv) {
  const std::vector<std::string> words(argv.begin() + (argv.empty() ? 0 : 1), argv.end());
  if (!argv.empty())
    if (const command* which = find_command(called_as(argv.front()))) return run_command(*which, words);
  if (words.empty()) return show(overview());
  const std::string& first = words.front();
  const word_list rest = word_list(words).subspan(1);
  if (is_help(first)) return run_help(rest);
  if (first == "--version" || first == "-V") return show(version_text());
  if (first.starts_with('-')) {
    constexpr std::array<std::string_view, 2> known{"--help", "--version"};
    const std::string_view near = nearest(first, known);
    return refuse("netlab", {make_error_code(errc::usage),
                             {},
                             fmt::format("unknown option '{}'", escape(first, 60)),
                             near.empty() ? "options go after the command; see netlab --help"
                                          : fmt::format("did you mean {}?", near)});
  }
  const command* which = find_command(first);
  return which == nullptr ? refuse_command(first, rest) : run_command(*which, rest);
}

}  // namespace
}  // namespace netlab::app

int main(int argc, char* argv[]) {
  using netlab::app::exit_status;
  netlab::app::prepare_standard_streams();
  netlab::app::end_when_out_of_memory();
  const auto trouble = [](std::string_view what, exit_status status) {
    const std::string_view command = netlab::app::command_name();
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(command.size()), command.data(),
                 static_cast<int>(what.size()), what.data());
    return static_cast<int>(status);
  };
  try {
    return static_cast<int>(netlab::app::run({argv, static_cast<std::size_t>(argc)}));
  } catch (const std::bad_alloc&) {
    netlab::app::end_out_of_memory();
  } catch (const std::exception& error) {
    return trouble(fmt::format("internal error: {}", error.what()).c_str(), exit_status::internal);
  }
}
