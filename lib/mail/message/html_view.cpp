// SPDX-License-Identifier: MIT
#include "mail/message/html_view.hpp"

#include <algorithm>

namespace netlab::mail {
namespace {

// In lower case. A prefix is enough: `<linkx` is unknown to browsers anyway.
constexpr std::string_view acting_tags[] = {"base", "embed",  "form",   "frame",  "iframe",  "link",
                                            "meta", "object", "portal", "script", "template"};

// These need the whole name: `<a` also begins `<abbr`. A browser connects ahead to where a link leads when the button
// is pressed on it, before a policy forbids to go there.
constexpr std::string_view linking_tags[] = {"a", "area"};

bool begins_with_tag(std::string_view text, std::string_view name) noexcept {
  return text.size() >= name.size() && std::equal(name.begin(), name.end(), text.begin(), [](char wanted, char c) {
           return wanted == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c);
         });
}

bool is_acting(std::string_view text) noexcept {
  const auto begins = [&](std::string_view name) { return begins_with_tag(text, name); };
  const auto is_whole = [&](std::string_view name) {
    constexpr std::string_view ends = "\t\n\f\r />";
    return begins(name) && (text.size() == name.size() || ends.find(text[name.size()]) != std::string_view::npos);
  };
  return std::ranges::any_of(acting_tags, begins) || std::ranges::any_of(linking_tags, is_whole);
}

}  // namespace

std::string defused_html(std::string_view html) {
  std::string defused;
  defused.reserve(html.size() + html.size() / 64);
  // A tag begins with '<' and a letter, an end tag with "</" and a letter (HTML, 13.2.5.6 and 13.2.5.7); nothing may
  // stand between. An element gets an unknown name.
  while (!html.empty()) {
    const std::size_t at = html.find('<');
    defused += html.substr(0, at);
    if (at == std::string_view::npos) break;
    html.remove_prefix(at);
    const std::size_t name_at = html.substr(1).starts_with('/') ? 2 : 1;
    const std::string_view name = html.substr(std::min(name_at, html.size()));
    defused += html.substr(0, name_at);
    if (is_acting(name)) defused += "x-";
    html.remove_prefix(std::min(name_at, html.size()));
  }
  return defused;
}

}  // namespace netlab::mail
