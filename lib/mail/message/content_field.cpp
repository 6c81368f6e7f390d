// SPDX-License-Identifier: MIT
#include "mail/message/content_field.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/url.hpp"
#include "mail/message/decode.hpp"
#include "mail/message/quoted.hpp"
#include "mail/message/to_utf8.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_parameters = 100;  // sections included: a file name of 6000 octets

using name_and_value = std::pair<std::string, std::string>;

/// Skips blanks and comments (RFC 5322 §3.2.2).
void skip_blanks_and_comments(std::string_view& text) noexcept {
  for (;;) {
    while (!text.empty() && (is_blank(text.front()) || text.front() == '\r' || text.front() == '\n'))
      text.remove_prefix(1);
    if (text.empty() || text.front() != '(') return;
    const std::size_t length = length_of_comment(text);
    text.remove_prefix(length == 0 ? text.size() : length);
  }
}

/// The octets up to one of `ends`, without blanks after them.
std::string_view take_until(std::string_view& text, std::string_view ends) noexcept {
  const std::string_view taken = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(taken.size());
  return trim(taken);
}

/// Takes a quoted string; one that is not closed extends to the end.
std::string take_quoted(std::string_view& text) {
  const std::size_t length = length_of_quoted(text);
  const std::string_view inner = length == 0 ? text.substr(1) : text.substr(1, length - 2);
  text.remove_prefix(length == 0 ? text.size() : length);
  return unquote(inner);
}

/// Returns the value before the parameters. The parameters are appended to `into` as written, names in lower case.
std::string split_parameters(std::string_view text, std::vector<name_and_value>& into) {
  skip_blanks_and_comments(text);
  std::string value = to_lower(take_until(text, ";("));
  while (into.size() < max_parameters) {
    skip_blanks_and_comments(text);
    take_until(text, ";");
    if (text.empty()) break;
    text.remove_prefix(1);
    skip_blanks_and_comments(text);
    std::string name = to_lower(take_until(text, "=;"));
    if (text.empty() || text.front() != '=') continue;
    text.remove_prefix(1);
    skip_blanks_and_comments(text);
    if (!text.empty() && text.front() == '"')
      into.emplace_back(std::move(name), take_quoted(text));
    else
      into.emplace_back(std::move(name), take_until(text, ";("));
  }
  return value;
}

/// A parameter in sections, `name*0*=`, `name*1=`, or extended, `name*=`.
struct sectioned {
  std::string charset;
  std::map<std::size_t, std::string> octets;  // by section
};

/// RFC 2231 §3, 4. `star`: where the name's first `*` is.
void add_section(sectioned& to, std::string_view name, std::size_t star, std::string_view value) {
  std::string_view rest = name.substr(star + 1);
  bool is_extended = rest.empty();
  if (rest.ends_with('*')) {
    is_extended = true;
    rest.remove_suffix(1);
  }
  const auto number = rest.empty() ? std::optional<std::size_t>(0) : parse_integer<std::size_t>(rest);
  if (!number || *number >= max_parameters) return;
  if (is_extended && *number == 0) {
    const std::size_t charset_end = value.find('\'');
    const std::size_t language_end =
        charset_end == std::string_view::npos ? charset_end : value.find('\'', charset_end + 1);
    if (language_end != std::string_view::npos) {
      to.charset = value.substr(0, charset_end);
      value.remove_prefix(language_end + 1);
    }
  }
  to.octets.emplace(*number, is_extended ? decode_percent(value) : std::string(value));
}

}  // namespace

std::string content_field::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

content_field parse_content_field(std::string_view text) {
  std::vector<name_and_value> all;
  content_field field;
  field.value = split_parameters(text, all);
  std::map<std::string, sectioned> in_sections;
  for (const auto& [name, value] : all)
    if (const std::size_t star = name.find('*'); star != std::string::npos)
      add_section(in_sections[name.substr(0, star)], name, star, value);
  // An extended value has precedence over a plain one, which is for old readers (RFC 6266 §4.3).
  for (const auto& [name, sections] : in_sections) {
    std::string octets;
    std::size_t next = 0;
    for (const auto& [number, each] : sections.octets) {
      if (number != next++) break;
      octets += each;
    }
    field.parameters.emplace(name, to_utf8(octets, sections.charset));
  }
  for (const auto& [name, value] : all)
    if (name.find('*') == std::string::npos) field.parameters.emplace(name, decode_words(value));
  return field;
}

std::string raw_parameter(std::string_view text, std::string_view name) {
  std::vector<name_and_value> all;
  split_parameters(text, all);
  for (auto& [each, value] : all)
    if (each == name) return std::move(value);
  return {};
}

}  // namespace netlab::mail
