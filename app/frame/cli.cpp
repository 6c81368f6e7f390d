// SPDX-License-Identifier: MIT
#include "frame/cli.hpp"

#include <algorithm>

#include <cxxopts.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "frame/advice.hpp"

namespace netlab::app {
namespace {

bool looks_like_number(std::string_view word) noexcept {
  return word.size() > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

/// True if the option's value is the next word: `--port 5`, `-p 5`, but not `--port=5`, `-p5`.
bool wants_next_word(const action& of, std::string_view word) {
  if (word.starts_with("--")) {
    const option* which = find_option(of, word.substr(2));
    return which != nullptr && !which->argument.empty();
  }
  for (std::size_t at = 1; at < word.size(); ++at) {
    const option* which = find_option(of, word[at]);
    if (which == nullptr) return false;
    if (!which->argument.empty()) return at + 1 == word.size();
  }
  return false;
}

/// `--help`, `-h`, and `-vh` unless h is the value of the letter before.
bool is_help(const action& of, std::string_view word) {
  if (word.starts_with("--")) return word == "--help" || word.starts_with("--help=");
  for (const char letter : word.substr(1)) {
    if (letter == 'h') return true;
    const option* which = find_option(of, letter);
    if (which == nullptr || !which->argument.empty()) return false;
  }
  return false;
}

struct separated {
  std::vector<std::string> options;  // each followed by its value, if that is a word of its own
  std::vector<std::string> option_words;  // the same without the values
  std::optional<std::string> lacks_value;  // the last option, if its value is missing
  std::vector<std::string> positionals;
  std::optional<std::string> long_dashed;  // a word before any `--` that starts with a word processor's dash

  void add_option(const std::string& word) {
    options.push_back(word);
    option_words.push_back(word);
  }
};

/// If an action takes any text, a word with a long dash counts as an option only if there is such an option.
bool may_be_option(const action& of, std::string_view word) {
  if (!of.takes_text) return true;
  const std::string plain = with_plain_dash(word);
  if (plain.size() < 2) return false;
  return plain.starts_with("--") ? find_option(of, std::string_view(plain).substr(2)) != nullptr
                                 : find_option(of, plain[1]) != nullptr;
}

// cxxopts takes -5 for an option, so it must not see words that are not options.
separated separate(const action& of, std::span<const std::string> typed) {
  separated parts;
  bool is_first = true;  // no operand so far
  for (std::size_t at = 0; at < typed.size(); ++at) {
    const std::string& word = typed[at];
    if (word == "--") {
      parts.positionals.insert(parts.positionals.end(), typed.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                               typed.end());
      break;
    }
    const bool is_option = word.size() > 1 && word[0] == '-' &&
                           (!looks_like_number(word) ||
                            (parts.positionals.empty() && word.size() == 2 && find_option(of, word[1]) != nullptr));
    if (!is_option) {
      if (kind_of(word) == word_kind::long_dash && !parts.long_dashed && may_be_option(of, word))
        parts.long_dashed = word;
      const bool is_transport = of.takes_transport && (word == "tcp" || word == "udp") && (is_first || !of.takes_text);
      if (is_transport)
        parts.add_option("--" + word);
      else
        parts.positionals.push_back(word);
      is_first = false;
      continue;
    }
    if (const option* which = find_option(of, std::string_view(word).substr(std::min<std::size_t>(2, word.size())));
        which != nullptr && word.starts_with("--") && !which->implied.empty()) {
      // With `=`, cxxopts cannot take the next word for the value.
      const bool has_value = at + 1 < typed.size() && !typed[at + 1].starts_with('-');
      parts.add_option(fmt::format("--{}={}", which->name, has_value ? typed[++at] : std::string(which->implied)));
      continue;
    }
    parts.add_option(word);
    if (!wants_next_word(of, word)) continue;
    if (at + 1 < typed.size())
      parts.options.push_back(typed[++at]);
    else
      parts.lacks_value = word;
  }
  return parts;
}

// cxxopts reports the option without its dashes, and not the word that contains it.
failure find_unknown_option(const action& of, const std::vector<std::string>& option_words) {
  for (const std::string& word : option_words) {
    if (word.starts_with("--")) {
      if (find_option(of, std::string_view(word).substr(2, word.find('=') - 2)) == nullptr)
        return unknown_option(of, word);
      continue;
    }
    for (std::size_t letter = 1; letter < word.size(); ++letter) {
      const option* which = find_option(of, word[letter]);
      if (which == nullptr) return unknown_option(of, letter == 1 ? word : fmt::format("-{}", word[letter]));
      if (!which->argument.empty()) break;
    }
  }
  return {make_error_code(errc::usage), {}, "invalid option", fmt::format("see netlab {} --help", of.path)};
}

cxxopts::Options declare(const action& of) {
  cxxopts::Options declared(std::string(of.path));
  auto add = declared.add_options();
  for (const auto options : {of.options, common_options()})
    for (const option& each : options) {
      const std::string names =
          each.letter == 0 ? std::string(each.name) : fmt::format("{},{}", each.letter, each.name);
      auto kind = cxxopts::value<std::string>();
      if (each.argument.empty()) kind->implicit_value("true");
      add(names, std::string(each.help), kind);
    }
  return declared;
}

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = to_lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0" || word.empty()) return false;
  return std::nullopt;
}

}  // namespace

bool asks_for_help(const action& of, std::span<const std::string> typed) {
  return std::ranges::any_of(separate(of, typed).option_words,
                             [&](const std::string& word) { return is_help(of, word); });
}

result<arguments> parse_arguments(const action& of, std::span<const std::string> typed, const settings& from) {
  const separated parts = separate(of, typed);
  if (parts.long_dashed)
    return fail(errc::usage, fmt::format("'{}' begins with a long dash", escape(*parts.long_dashed, 60)),
                fmt::format("write {}", with_plain_dash(*parts.long_dashed)));
  for (const std::string& word : parts.option_words)
    if (auto misread = misread_option(of, word)) return unexpected(std::move(*misread));
  arguments parsed;
  parsed.action_ = &of;
  parsed.positionals_ = parts.positionals;

  std::vector<const char*> argv{"netlab"};
  for (const std::string& word : parts.options) argv.push_back(word.c_str());
  try {
    const auto options = declare(of).parse(static_cast<int>(argv.size()), argv.data());
    for (const cxxopts::KeyValue& each : options.arguments()) parsed.given_[each.key()].push_back({each.value(), {}});
  } catch (const cxxopts::exceptions::no_such_option&) {
    return unexpected(find_unknown_option(of, parts.option_words));
  } catch (const cxxopts::exceptions::exception&) {
    // Other causes: an option at the end of the line without its value, and a word with dashes that is not an option
    // (`---`, `--=`).
    if (parts.lacks_value)
      return fail(errc::usage, fmt::format("option '{}' needs a value", escape(*parts.lacks_value, 60)));
    return unexpected(find_unknown_option(of, parts.option_words));
  }

  for (const auto options : {of.options, common_options()})
    for (const option& each : options) {
      if (parsed.given_.contains(each.name)) continue;
      for (setting& stands : from.find(of, each))
        parsed.given_[std::string(each.name)].push_back({std::move(stands.value), std::move(stands.origin)});
    }
  return parsed;
}

std::optional<arguments::value> arguments::last(std::string_view name) const {
  if (const auto found = given_.find(name); found != given_.end() && !found->second.empty())
    return found->second.back();
  const option* which = find_option(*action_, name);
  if (which == nullptr || which->fallback.empty()) return std::nullopt;
  return value{std::string(which->fallback), {}};
}

bool arguments::has(std::string_view name) const { return given_.contains(name); }

bool arguments::is_typed(std::string_view name) const {
  const auto found = given_.find(name);
  return found != given_.end() && !found->second.empty() && found->second.back().origin.empty();
}

void arguments::only_typed(std::string_view name) {
  const auto found = last(name);
  if (!has(name) || is_typed(name)) return;
  refuse(name, *found,
         {make_error_code(errc::usage), {}, fmt::format("'{}' is allowed only on the command line", name), {}});
}

std::vector<std::string> arguments::texts(std::string_view name) const {
  std::vector<std::string> all;
  if (const auto found = given_.find(name); found != given_.end())
    for (const value& each : found->second) all.push_back(each.text);
  return all;
}

bool arguments::flag(std::string_view name) {
  const auto found = last(name);
  if (!found) return false;
  const auto on = parse_bool(found->text);
  if (!on)
    refuse(
        name, *found,
        {make_error_code(errc::usage), {}, fmt::format("'{}' is neither true nor false", escape(found->text, 60)), {}});
  return on.value_or(false);
}

std::string arguments::text(std::string_view name) {
  const auto found = last(name);
  return found ? found->text : std::string();
}

std::uint64_t arguments::number(std::string_view name, std::uint64_t least, std::uint64_t most) {
  return as(name, [&](std::string_view text) { return parse_number(text, name, least, most); });
}

netlab::duration arguments::duration(std::string_view name) { return as(name, parse_duration); }

netlab::duration arguments::timeout(std::string_view name) {
  return as(name, [](std::string_view text) -> result<netlab::duration> {
    auto parsed = parse_duration(text);
    if (parsed && *parsed < std::chrono::milliseconds(1))
      return fail(errc::usage, fmt::format("'{}' is too short", escape(text, 60)), "at least 1ms");
    return parsed;
  });
}

std::vector<std::string> arguments::ignored_options() const {
  std::vector<std::string> notes;
  for (const option& each : action_->options) {
    if (each.needs.empty() || !is_typed(each.name)) continue;
    const auto needed = words(each.needs);
    if (std::ranges::any_of(needed, [&](std::string_view name) { return has(name); })) continue;
    notes.push_back(fmt::format("--{} is ignored without --{}", each.name, fmt::join(needed, " or --")));
  }
  return notes;
}

void arguments::supply(std::string_view name, const std::vector<std::string>& values, const std::string& origin) {
  if (is_typed(name)) return;
  if (const auto found = given_.find(name); found != given_.end()) given_.erase(found);
  if (values.empty()) return;
  std::vector<value>& stored = given_[std::string(name)];
  for (const std::string& each : values) stored.push_back({each, origin});
}

void arguments::prefer_typed(std::string_view one, std::string_view other) {
  if (!has(one) || !has(other) || is_typed(one) == is_typed(other)) return;
  given_.erase(given_.find(is_typed(one) ? other : one));
}

void arguments::exclude(std::string_view one, std::string_view other) {
  prefer_typed(one, other);
  if (flag(one) && flag(other))
    refuse({make_error_code(errc::usage), {}, fmt::format("--{} and --{} exclude each other", one, other), {}});
}

void arguments::refuse(failure why) {
  if (!error_) error_ = std::move(why);
}

void arguments::refuse(std::string_view name, const value& bad, failure why) {
  if (!bad.origin.empty()) {  // not typed, so it is not a usage error
    why.code = make_error_code(errc::bad_configuration);
    why.context = bad.origin;
  } else if (!describe(why).starts_with(name)) {
    why.context = fmt::format("--{}", name);
  }
  refuse(std::move(why));
}

void arguments::refuse_positionals() {
  if (positionals_.empty()) return;
  refuse(unexpected_words(*action_, positionals_));
}

}  // namespace netlab::app
