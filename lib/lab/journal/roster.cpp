// SPDX-License-Identifier: MIT
#include "lab/journal/roster.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t longest_name = 60;  // characters; a column of the table
constexpr std::size_t shown_roster_text = 60;

bool is_invisible(std::uint32_t code_point) noexcept {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0xad ||
         (code_point >= 0x200b && code_point <= 0x200f) || (code_point >= 0x2028 && code_point <= 0x202e) ||
         (code_point >= 0x2060 && code_point <= 0x206f) || code_point == 0xfeff || code_point == 0x61c ||
         (code_point >= 0xfff0 && code_point <= 0xfffb) || (code_point >= 0xe0000 && code_point <= 0xe0fff);
}

}  // namespace

std::string clean_team_name(std::string_view name) {
  std::string clean;
  std::size_t characters = 0;
  name = trim(name);
  while (!name.empty() && characters < longest_name) {
    const utf8_sequence next = decode_utf8(name);
    const std::size_t length = std::max<std::size_t>(next.length, 1);
    if (next.length > 0 && !is_invisible(next.code_point)) {
      clean += name.substr(0, length);
      ++characters;
    }
    name.remove_prefix(length);
  }
  return std::string(trim(clean));
}

result<roster> roster::parse(std::string_view text) {
  roster made;
  std::size_t number = 0;
  for (const std::string_view whole : text_lines(text)) {
    ++number;
    const std::string_view line = trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    std::size_t end = line.find_first_of(",;\t");
    if (end == std::string_view::npos) end = line.find(' ');
    const std::string_view key = trim(line.substr(0, end));
    std::string_view rest = end == std::string_view::npos ? std::string_view() : trim(line.substr(end + 1));
    if (rest.size() >= 2 && rest.front() == '"' && rest.back() == '"') rest = rest.substr(1, rest.size() - 2);
    if (number == 1 && equal_in_any_case(key, "address")) continue;  // the head of a table
    const std::string name = clean_team_name(rest);
    if (key.empty() || name.empty())
      return fail(errc::bad_data, fmt::format("line {}: '{}' has no name", number, escape(line, shown_roster_text)),
                  "write an address or a mail user, a comma and the team's name");
    const auto address = parse_ip(key);
    auto& into = address ? made.by_address_ : made.by_user_;
    const auto [at, is_new] = into.emplace(address ? to_string(as_reached(*address)) : std::string(key), name);
    if (!is_new && at->second != name)
      return fail(errc::bad_data,
                  fmt::format("line {}: '{}' is {} and {}", number, escape(key, shown_roster_text), at->second, name),
                  "an address or a user belongs to one team");
  }
  return made;
}

std::string_view roster::name_of_address(std::string_view address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view roster::name_of_user(std::string_view user) const {
  const auto found = by_user_.find(user);
  return found == by_user_.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace netlab::lab
