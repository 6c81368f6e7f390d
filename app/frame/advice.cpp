// SPDX-License-Identifier: MIT
#include "frame/advice.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/ip.hpp"
#include "base/services.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "base/url.hpp"
#include "frame/elsewhere.hpp"

namespace netlab::app {
namespace {

constexpr std::size_t most_shown = 60;  // octets of a word

// The dashes that word processors put in place of one or two hyphens: U+2010 to U+2015, and the minus sign U+2212.
constexpr std::array<std::string_view, 7> long_dashes{"\u2010", "\u2011", "\u2012", "\u2013",
                                                      "\u2014", "\u2015", "\u2212"};

std::size_t long_dash_length(std::string_view word) noexcept {
  for (const std::string_view dash : long_dashes)
    if (word.starts_with(dash)) return dash.size();
  return 0;
}

bool is_address(std::string_view text) {
  const std::size_t percent = text.find('%');
  return parse_ip(text.substr(0, percent)).has_value();
}

bool is_port(std::string_view text) {
  return !text.empty() && is_digit(text.front()) && parse_integer<std::uint16_t>(text);
}

// Digits, commas and dashes, with at least one comma or dash.
bool is_port_list(std::string_view text) {
  if (text.find_first_of(",-") == std::string_view::npos || text.find_first_of("0123456789") == std::string_view::npos)
    return false;
  for (const std::string_view piece : split(text, ','))
    for (const std::string_view end : split(piece, '-'))
      if (!end.empty() && !is_port(end)) return false;
  return text.front() != '-';
}

bool is_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) return is_address(text.substr(0, slash));
  const std::size_t dash = text.find('-');
  return dash != std::string_view::npos && is_address(text.substr(0, dash));
}

bool is_host(std::string_view text) {
  if (text == "localhost") return true;
  const auto is_of_name = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
  };
  const std::size_t dot = text.find('.');
  return dot != std::string_view::npos && dot != 0 && dot + 1 < text.size() && std::ranges::all_of(text, is_of_name) &&
         text.find_first_not_of("0123456789.-") != std::string_view::npos && text.find("..") == std::string_view::npos;
}

struct host_and_port {
  std::string host;
  std::string port;
};

// `localhost:4711`, `[::1]:25`, `lab:smtp`
std::optional<host_and_port> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::nullopt;
  const bool is_good_host = host.empty() || is_address(host) || is_host(host) || is_port(port);
  if (!is_good_host || host.find_first_of(" /@") != std::string_view::npos || !parse_port_or_service(port))
    return std::nullopt;
  return host_and_port{std::string(host), std::string(port)};
}

bool has(const action& of, std::string_view option) { return find_option(of, option) != nullptr; }

bool is_server(const action& of) { return has(of, "bind") && !has(of, "host") && of.path != "connect"; }

/// Quotes a word as a shell needs it.
std::string shell_quoted(std::string_view text) {
  const std::string shown = escape(text, most_shown);
  return shown.find_first_of(" \t\"'$&|;<>()*?#!`\\") == std::string::npos ? shown : fmt::format("'{}'", shown);
}

std::string option_with(std::string_view name, std::string_view value) {
  return fmt::format("--{} {}", name, shell_quoted(value));
}

/// The first of these options that the action has, or an empty text.
std::string_view first_of(const action& of, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (has(of, name)) return name;
  return {};
}

std::string take_port(const action& of, std::string_view port) {
  if (of.path == "mail send") return option_with("server", fmt::format("localhost:{}", port));
  if (of.path == "lab tour") return option_with("chapter", port);
  const std::string_view name = first_of(of, {"port", "range", "calc-port"});
  return name.empty() ? std::string() : option_with(name, port);
}

std::string take_host(const action& of, std::string_view host) {
  if (is_server(of) && host == "localhost") host = "127.0.0.1";
  const std::string_view name = is_server(of) ? "bind" : first_of(of, {"host", "server"});
  return name.empty() ? std::string() : option_with(name, host);
}

std::string take_endpoint(const action& of, std::string_view host, std::string_view port) {
  const std::string shown = host.find(':') == std::string_view::npos ? std::string(host) : fmt::format("[{}]", host);
  if (has(of, "server")) return option_with("server", port.empty() ? shown : fmt::format("{}:{}", shown, port));
  std::string taken = host.empty() ? std::string() : take_host(of, host);
  const std::string its_port = port.empty() ? std::string() : take_port(of, port);
  if (!taken.empty() && !its_port.empty()) taken += ' ';
  return taken + its_port;
}

std::string take_url(const action& of, const url& from) {
  const std::string port = from.port ? fmt::format("{}", *from.port) : std::string();
  if (of.path == "mail send") return take_endpoint(of, from.host, port) + (from.is_secure() ? " --tls implicit" : "");
  return take_endpoint(of, from.host, port);
}

/// Finds an option with this name, or with this choice: `listen`, `little`.
std::string take_name(const action& of, std::string_view word) {
  const std::string name = to_lower(word);
  for (const auto options : {of.options, common_options()})
    for (const option& each : options)
      if (each.name == name)
        return each.argument.empty() ? fmt::format("--{}", name) : fmt::format("--{} {}", name, each.argument);
  for (const option& each : of.options) {
    const auto choices = words(each.choices);
    if (std::ranges::find(choices, name) != choices.end()) return option_with(each.name, name);
  }
  return {};
}

std::string take_word(const action& of, std::string_view word) {
  switch (kind_of(word)) {
    case word_kind::url: return take_url(of, *parse_url(word));
    case word_kind::mail_address: {
      return has(of, "to") ? option_with("to", word) : std::string();
    }
    case word_kind::endpoint: {
      const auto parts = parse_endpoint(word);
      return take_endpoint(of, parts->host, parts->port);
    }
    case word_kind::port: return take_port(of, word);
    case word_kind::port_list: {
      const std::string_view name = of.path == "sockets" ? "port" : first_of(of, {"range"});
      return name.empty() ? std::string() : option_with(name, word);
    }
    case word_kind::block: return of.path == "scan" ? option_with("host", word) : std::string();
    case word_kind::address:
    case word_kind::host: return take_host(of, word);
    case word_kind::duration: {
      const std::string_view name = first_of(of, {"duration", "interval", "max-time", "timeout"});
      return name.empty() ? std::string() : option_with(name, word);
    }
    case word_kind::long_dash: return fmt::format("write {}", with_plain_dash(word));
    case word_kind::other: break;
  }
  if (std::string taken = take_name(of, word); !taken.empty()) return taken;
  if (port_of_service(word)) return take_port(of, word);
  return of.path == "sockets" ? option_with("process", word) : std::string();
}

/// The row's answer for an action; empty if the action has none of its options.
std::string answer_of(const meaning& row, const action& of) {
  if (row.ours.starts_with('!')) return std::string(row.ours.substr(1));
  for (const std::string_view name : words(row.ours))
    if (has(of, name)) return fmt::format("did you mean --{}?", name);
  return {};
}

std::string answer_elsewhere(const action& of, std::string_view name) {
  for (const meaning& row : options_elsewhere()) {
    if (!holds_for(row, of.path)) continue;
    const auto names = words(row.names);
    if (std::ranges::find(names, name) == names.end()) continue;
    if (std::string answer = answer_of(row, of); !answer.empty()) return answer;
  }
  return {};
}

/// `-p` may mean the same letter in the other case, or the only option whose name starts with it.
std::string answer_for_letter(const action& of, char letter) {
  if (letter == 'V') return "did you mean netlab --version?";
  const std::string text(1, letter);
  for (const std::string& other : {to_lower(text), to_upper(text)})
    if (find_option(of, other[0]) != nullptr) return fmt::format("did you mean -{}?", other);
  std::vector<std::string_view> beginning;
  for (const auto options : {of.options, common_options()})
    for (const option& each : options)
      if (each.name.starts_with(letter)) beginning.push_back(each.name);
  return beginning.size() == 1 ? fmt::format("did you mean --{}?", beginning.front()) : std::string();
}

constexpr std::size_t least_spelled = 4;  // octets: a shorter word is similar to too many names

/// Checks our own names first, then those of other programs.
std::string answer_by_spelling(const action& of, std::string_view name) {
  if (name.size() < least_spelled) return {};
  std::vector<std::string_view> known{"version"};
  for (const auto options : {of.options, common_options()})
    for (const option& each : options) known.push_back(each.name);
  if (const std::string_view near = nearest(name, known); !near.empty())
    return near == "version" ? "did you mean netlab --version?" : fmt::format("did you mean --{}?", near);
  known.clear();
  for (const meaning& row : options_elsewhere())
    if (holds_for(row, of.path))
      for (const std::string_view each : words(row.names))
        if (each.size() >= least_spelled) known.push_back(each);
  const std::string_view near = nearest(name, known);
  return near.empty() ? std::string() : answer_elsewhere(of, near);
}

std::string answer_for_option(const action& of, std::string_view word) {
  const bool is_long = word.starts_with("--");
  std::string_view name = word.substr(is_long ? 2 : 1);
  name = name.substr(0, name.find('='));
  if (name.empty()) return {};
  if (!is_long && name.size() > 1 && has(of, name)) return fmt::format("did you mean --{}?", name);  // -starttls
  if (std::string answer = answer_elsewhere(of, name); !answer.empty()) return answer;
  if (name.size() == 1) return answer_for_letter(of, name.front());
  if (std::string answer = answer_by_spelling(of, name); !answer.empty()) return answer;
  // -p4711: a letter with its value
  if (!is_long)
    if (std::string answer = answer_elsewhere(of, name.substr(0, 1)); !answer.empty()) return answer;
  return is_long ? std::string() : answer_for_letter(of, name.front());
}

/// `netlab lab serve or netlab calc serve`
std::string commands_in_words(const std::vector<std::string>& choices) {
  std::string text;
  for (std::size_t at = 0; at < choices.size(); ++at)
    text += fmt::format("{}netlab {}", at == 0 ? "" : at + 1 == choices.size() ? " or " : ", ", choices[at]);
  return text;
}

std::string did_you_mean(const std::vector<std::string>& choices) {
  return choices.empty() ? std::string() : fmt::format("did you mean {}?", commands_in_words(choices));
}

std::string did_you_mean(std::string choice) { return did_you_mean(std::vector{std::move(choice)}); }

bool is_choice_of(const action& of, std::string_view word) {
  const auto choices = words(of.operand_choices);
  return std::ranges::find(choices, to_upper(word)) != choices.end();
}

std::string path_elsewhere(std::string_view in, std::string_view word) {
  const std::string name = to_lower(word);
  for (const meaning& row : commands_elsewhere()) {
    if (row.where != in) continue;
    const auto names = words(row.names);
    if (std::ranges::find(names, name) == names.end()) continue;
    const std::string_view command = row.ours.substr(0, row.ours.find(' '));
    if (find_command(command) != nullptr) return std::string(row.ours);
  }
  return {};
}

/// The actions that accept a word of this kind, with the option for it: `mail send --to ben@example.org`.
std::vector<std::string> paths_that_take(std::span<const action> actions, std::string_view word) {
  std::vector<std::string> found;
  if (kind_of(word) == word_kind::other) return found;
  for (const action& each : actions) {
    if (each.takes_text) continue;
    if (const std::string taken = take_word(each, word); !taken.empty())
      found.push_back(fmt::format("{} {}", each.path, taken));
  }
  return found;
}

}  // namespace

word_kind kind_of(std::string_view word) {
  if (long_dash_length(word) > 0) return word_kind::long_dash;
  if (parse_url(word)) return word_kind::url;
  const std::size_t at = word.find('@');
  if (at != std::string_view::npos && at > 0 && at + 1 < word.size()) return word_kind::mail_address;
  if (is_address(word)) return word_kind::address;
  if (word.starts_with('[') && word.ends_with(']') && is_address(word.substr(1, word.size() - 2)))
    return word_kind::address;
  if (is_port(word)) return word_kind::port;
  if (is_port_list(word)) return word_kind::port_list;
  if (is_block(word)) return word_kind::block;
  if (parse_endpoint(word)) return word_kind::endpoint;
  if (!word.empty() && is_digit(word.front()) && !is_digit(word.back()) && parse_duration(word))
    return word_kind::duration;
  return is_host(word) ? word_kind::host : word_kind::other;
}

std::string with_plain_dash(std::string_view word) {
  std::size_t dashes = 0;
  while (const std::size_t length = long_dash_length(word)) {
    word.remove_prefix(length);
    ++dashes;
  }
  while (word.starts_with('-')) {
    word.remove_prefix(1);
    ++dashes;
  }
  const std::string_view name = word.substr(0, word.find('='));
  const bool is_short = name.size() <= 1 || is_digit(name.front());
  return fmt::format("{}{}", is_short && dashes == 1 ? "-" : "--", escape(word, most_shown));
}

std::string as_options(const action& of, std::span<const std::string> words) {
  // If one option takes both a host and a port, they belong together.
  if (words.size() >= 2 && has(of, "server")) {
    const word_kind first = kind_of(words[0]);
    if ((first == word_kind::host || first == word_kind::address) && parse_port_or_service(words[1])) {
      std::string taken = take_endpoint(of, words[0], words[1]);
      const std::string rest = as_options(of, words.subspan(2));
      return rest.empty() ? taken : fmt::format("{} {}", taken, rest);
    }
  }
  std::string all;
  for (const std::string& word : words) {
    const std::string taken = take_word(of, word);
    if (taken.empty()) break;
    all += fmt::format("{}{}", all.empty() ? "" : " ", taken);
  }
  return all;
}

failure unexpected_words(const action& of, std::span<const std::string> words) {
  std::string cure = as_options(of, words);
  if (kind_of(words.front()) == word_kind::long_dash)
    cure = fmt::format("a long dash: write {}", with_plain_dash(words.front()));
  if (cure.empty()) cure = fmt::format("see netlab {} --help", of.path);
  return {make_error_code(errc::usage),
          {},
          fmt::format("unexpected argument '{}'", escape(words.front(), most_shown)),
          std::move(cure)};
}

failure unknown_option(const action& of, std::string_view word) {
  std::string answer = answer_for_option(of, word);
  if (answer.empty()) answer = fmt::format("see netlab {} --help", of.path);
  return {make_error_code(errc::usage),
          {},
          fmt::format("unknown option '{}'", escape(word, most_shown)),
          std::move(answer)};
}

std::optional<failure> misread_option(const action& of, std::string_view word) {
  // Another program's two-letter option, whose second letter would be taken here as a value or an option.
  if (word.size() < 3 || word[0] != '-' || word[1] == '-' || find_option(of, word[1]) == nullptr) return std::nullopt;
  for (const meaning& row : options_elsewhere()) {
    if (row.where != of.path) continue;
    const auto names = words(row.names);
    if (std::ranges::find(names, word.substr(1)) != names.end()) return unknown_option(of, word);
  }
  return std::nullopt;
}

std::string advice_for_command(std::string_view word, std::span<const std::string> more) {
  const auto with_more = [&](std::string path) {
    for (const std::string& each : more.first(std::min<std::size_t>(more.size(), 8))) path += ' ' + shell_quoted(each);
    return path;
  };
  if (const std::string path = path_elsewhere({}, word); !path.empty()) return did_you_mean(path);
  std::vector<std::string> verbs;
  for (const command& each : commands())
    for (const action& one : each.actions)
      if (!one.verb().empty() && one.verb() == word) verbs.emplace_back(one.path);
  if (!verbs.empty()) return did_you_mean(verbs);
  for (const command& each : commands())
    for (const action& one : each.actions)
      if (is_choice_of(one, word)) return did_you_mean(with_more(fmt::format("{} {}", one.path, word)));
  switch (kind_of(word)) {
    case word_kind::mail_address: return did_you_mean(fmt::format("mail send --to {}", shell_quoted(word)));
    case word_kind::block: return did_you_mean(fmt::format("scan {}", shell_quoted(word)));
    case word_kind::url: return did_you_mean(fmt::format("connect {}", shell_quoted(parse_url(word)->endpoint())));
    case word_kind::endpoint:
    case word_kind::address:
    case word_kind::host: return did_you_mean(with_more(fmt::format("connect {}", shell_quoted(word))));
    case word_kind::port:
    case word_kind::port_list: return did_you_mean(fmt::format("sockets --port {}", word));
    case word_kind::long_dash: return fmt::format("a long dash: write {}", with_plain_dash(word));
    case word_kind::duration:
    case word_kind::other: break;
  }
  return {};
}

std::string advice_for_subcommand(const command& in, std::string_view word, std::span<const std::string> more) {
  if (word.starts_with('-') && word.size() > 1) {
    std::string_view verb = "SUBCOMMAND";
    for (const std::string& each : more)
      if (const action* found = find_action(in, each)) verb = found->verb();
    return fmt::format("options go after the subcommand: netlab {} {} {}", in.name, verb, escape(word, most_shown));
  }
  if (long_dash_length(word) > 0) return fmt::format("a long dash: write {}", with_plain_dash(word));
  if (const std::string path = path_elsewhere(in.name, word); !path.empty()) return did_you_mean(path);
  for (const action& each : in.actions)
    if (is_choice_of(each, word)) {
      std::string path = fmt::format("{} {}", each.path, word);
      for (const std::string& one : more.first(std::min<std::size_t>(more.size(), 8))) path += ' ' + shell_quoted(one);
      return did_you_mean(path);
    }
  return did_you_mean(paths_that_take(in.actions, word));
}

}  // namespace netlab::app
