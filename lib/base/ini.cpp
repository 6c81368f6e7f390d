// SPDX-License-Identifier: MIT
#include "base/ini.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.hpp"
#include "base/text.hpp"

namespace netlab {

result<std::vector<ini_entry>> parse_ini(std::string_view text) {
  std::vector<ini_section> sections;
  return parse_ini(text, sections);
}

result<std::vector<ini_entry>> parse_ini(std::string_view text, std::vector<ini_section>& sections) {
  std::vector<ini_entry> entries;
  std::string section;
  bool in_section = false;
  std::size_t number = 0;
  const auto bad = [&](std::string_view why) {
    return fail(errc::bad_configuration, fmt::format("line {}: {}", number, why));
  };
  for (const std::string_view raw : text_lines(text)) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.find('\0') != std::string_view::npos) return bad("a NUL byte: not a text file");
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      if (line.back() != ']') return bad("a section without its closing ]");
      const auto names = words(line.substr(1, line.size() - 2));
      if (names.empty()) return bad("a section without a name");
      section = fmt::format("{}", fmt::join(names, " "));
      in_section = true;
      sections.push_back({section, number});
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
      return bad(fmt::format("'{}' is neither [section] nor key = value", escape(line, 60)));
    const std::string_view key = trim(line.substr(0, equals));
    if (key.empty()) return bad("a value without a key");
    if (!in_section) return bad(fmt::format("key '{}' stands before the first [section]", escape(key, 60)));
    entries.push_back({section, std::string(key), std::string(trim(line.substr(equals + 1))), number});
  }
  return entries;
}

}  // namespace netlab
