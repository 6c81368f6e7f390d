// SPDX-License-Identifier: MIT
#include "frame/settings.hpp"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"

namespace netlab::app {
namespace {

constexpr std::size_t max_file_size = 1024 * 1024;  // a longer file is not a configuration file

const action* find_section(std::string_view section) {
  for (const command& each : commands())
    for (const action& one : each.actions)
      if (one.path == section) return &one;
  return nullptr;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view near = nearest(word, known);
  return near.empty() ? std::string() : fmt::format("did you mean '{}'?", near);
}

result<void> check_section(const ini_section& section) {
  if (find_section(section.name) != nullptr) return {};
  std::vector<std::string_view> known;
  for (const command& each : commands())
    for (const action& one : each.actions) known.push_back(one.path);
  return fail(errc::bad_configuration, fmt::format("unknown section [{}]", escape(section.name, 60)),
              suggestion(section.name, known));
}

// The section has been checked.
result<void> check_entry(const ini_entry& entry) {
  const action* of = find_section(entry.section);
  if (find_option(*of, entry.key) != nullptr && entry.key != "help") return {};
  std::vector<std::string_view> known;
  for (const auto options : {of->options, common_options()})
    for (const option& each : options)
      if (each.name != "help") known.push_back(each.name);
  return fail(errc::bad_configuration, fmt::format("unknown key '{}' in [{}]", escape(entry.key, 60), entry.section),
              suggestion(entry.key, known));
}

// The text of the file; nothing if it is missing and may be.
result<std::optional<std::string>> read_settings(const std::string& file, bool may_be_missing) {
  auto text = read_file(file, max_file_size);
  if (text) return std::move(*text);
  const std::error_code why = text.error();
  // In another user's home (a service's user, su without -l), we have no file.
  if (may_be_missing && (why == std::errc::no_such_file_or_directory || why == std::errc::not_a_directory ||
                         why == std::errc::permission_denied))
    return std::nullopt;
  return unexpected(
      failure{make_error_code(errc::bad_configuration),
              escape(file),
              why == std::errc::file_too_large ? "longer than 1 MiB: not a configuration file" : message_of(why),
              {}});
}

}  // namespace

std::string variable_name(const action& of, const option& which) {
  std::string name = "NETLAB_" + to_upper(of.path) + "_" + to_upper(which.name);
  std::replace_if(name.begin(), name.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return name;
}

result<settings> settings::load(environment from) {
  std::string file;
  bool may_be_missing = true;
  if (const auto named = from("NETLAB_CONFIG")) {
    file = *named;
    may_be_missing = false;
  } else if (const auto base = from("XDG_CONFIG_HOME"); base && base->starts_with('/')) {  // absolute paths only (XDG)
    file = *base + "/netlab/config";
  } else if (const auto home = from("HOME"); home && !home->empty()) {
    file = *home + "/.config/netlab/config";
  }
  if (file.empty()) return parse(std::move(from), {}, {});
  auto text = read_settings(file, may_be_missing);
  if (!text) return unexpected(text.error());
  return parse(std::move(from), text->value_or(std::string()), file);
}

result<settings> settings::parse(environment from, std::string_view text, const std::string& file) {
  std::vector<ini_section> sections;
  auto entries = parse_ini(text, sections);
  if (!entries) {
    entries.error().context = escape(file);
    return unexpected(entries.error());
  }
  const auto refused = [&](failure why, std::size_t line) {
    why.context = fmt::format("{}: line {}", escape(file), line);
    return unexpected(std::move(why));
  };
  for (const ini_section& section : sections)
    if (const auto known = check_section(section); !known) return refused(known.error(), section.line);
  for (const ini_entry& entry : *entries)
    if (const auto known = check_entry(entry); !known) return refused(known.error(), entry.line);
  settings loaded;
  loaded.environment_ = std::move(from);
  loaded.file_ = escape(file);
  loaded.entries_ = std::move(*entries);
  return loaded;
}

std::vector<std::string> settings::ignored_variables() {
  std::vector<std::string> names;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view line = *each;
    const std::string_view name = line.substr(0, line.find('='));
    if (name.starts_with("NETLAB_") && name != "NETLAB_CONFIG" && name != "NETLAB_PASSWORD") names.emplace_back(name);
  }
  if (names.empty()) return {};
  std::vector<std::string> known;
  for (const command& each : commands())
    for (const action& one : each.actions)
      for (const auto options : {one.options, common_options()})
        for (const option& which : options)
          if (which.name != "help") known.push_back(variable_name(one, which));
  const std::vector<std::string_view> views(known.begin(), known.end());
  std::vector<std::string> notes;
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string_view near = nearest(name, views);
    notes.push_back(fmt::format("{} is ignored: no option has this variable{}", escape(name, 60),
                                near.empty() ? std::string() : fmt::format(" (did you mean {}?)", near)));
  }
  return notes;
}

std::vector<setting> settings::find(const action& of, const option& which) const {
  std::vector<setting> found;
  const std::string variable = variable_name(of, which);
  if (const auto value = environment_(variable)) {
    if (!which.repeatable) return {{*value, variable}};
    for (const std::string_view each : split(*value, '\n'))
      if (!each.empty()) found.push_back({std::string(each), variable});
    return found;
  }
  for (const ini_entry& entry : entries_) {
    if (entry.section != of.path || entry.key != which.name) continue;
    if (!which.repeatable) found.clear();
    found.push_back({entry.value, fmt::format("{}: line {}: {}", file_, entry.line, entry.key)});
  }
  return found;
}

}  // namespace netlab::app
