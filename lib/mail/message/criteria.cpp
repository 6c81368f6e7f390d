// SPDX-License-Identifier: MIT
#include "mail/message/criteria.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "mail/message/quoted.hpp"

namespace netlab::mail {
namespace {

/// Collects one address of a list: its text without comments and quoted names, or what angle brackets enclose.
class address_collector {
 public:
  explicit address_collector(std::vector<std::string>& into) : into_(into) {}

  void add(std::string_view piece) { (in_angle_ ? angle_ : bare_) += piece; }
  void open_angle() {
    in_angle_ = true;
    angle_.clear();
  }
  void close_angle() {
    in_angle_ = false;
    has_angle_ = true;
  }
  /// `:` ends the name of a group, or a route (RFC 5322 §4.4: `<@a,@b:c@d>`).
  void drop_name() { (in_angle_ ? angle_ : bare_).clear(); }
  [[nodiscard]] bool in_angle() const noexcept { return in_angle_; }
  void end() {
    std::string_view one = trim(has_angle_ || in_angle_ ? angle_ : bare_);
    // Without brackets, words may precede the address, as in `Ann ann@example.org`; a quoted local part has blanks.
    if (!has_angle_ && one.find('"') == std::string_view::npos)
      if (const std::size_t blank = one.find_last_of(" \t"); blank != std::string_view::npos)
        one.remove_prefix(blank + 1);
    const bool is_null = has_angle_ && one.empty();
    if ((is_null || one.find('@') != std::string_view::npos) && into_.size() < max_correspondents)
      into_.emplace_back(one);
    bare_.clear();
    angle_.clear();
    in_angle_ = has_angle_ = false;
  }

 private:
  std::vector<std::string>& into_;
  std::string bare_;
  std::string angle_;
  bool in_angle_ = false;
  bool has_angle_ = false;
};

bool is_any(std::string_view name, std::initializer_list<std::string_view> of) {
  return std::ranges::any_of(of, [&](std::string_view each) { return equal_in_any_case(name, each); });
}

bool matches_any(const address_pattern& wanted, const std::vector<std::string>& found) {
  return std::ranges::any_of(found, [&](const std::string& each) {
    if (each.empty()) return wanted.matches(nullptr);
    const auto parsed = parse_address(each);
    return parsed && wanted.matches(&*parsed);
  });
}

/// Lower case, each run of white space as one blank.
std::string to_comparable(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (const char c : to_lower(text)) {
    const bool is_space = is_blank(c) || c == '\r' || c == '\n';
    if (!is_space)
      folded += c;
    else if (folded.empty() || folded.back() != ' ')
      folded += ' ';
  }
  return folded;
}

}  // namespace

std::vector<std::string> addresses_in(std::string_view field_body) {
  std::vector<std::string> found;
  address_collector current(found);
  for (std::string_view rest = field_body; !rest.empty();) {
    // A comment, a quoted string or a literal that is not closed extends to the end of the field.
    const auto length_or_all = [&](std::size_t length) { return length == 0 ? rest.size() : length; };
    std::size_t used = 1;
    switch (rest.front()) {
      case '(': used = length_or_all(length_of_comment(rest)); break;
      case '"': {
        used = length_or_all(length_of_quoted(rest));
        // A quoted local part, else a part of a name.
        if (current.in_angle() || rest.substr(used).starts_with('@')) current.add(rest.substr(0, used));
        break;
      }
      case '[': {  // an address literal may have colons
        const std::size_t end = rest.find(']');
        used = end == std::string_view::npos ? rest.size() : end + 1;
        current.add(rest.substr(0, used));
        break;
      }
      case '<': current.open_angle(); break;
      case '>': current.close_angle(); break;
      case ':': current.drop_name(); break;
      case ',':
        if (!current.in_angle()) current.end();
        break;
      case ';': current.end(); break;
      default: current.add(rest.substr(0, 1)); break;
    }
    rest.remove_prefix(used);
  }
  current.end();
  return found;
}

correspondents correspondents_of(std::span<const header_field> header) {
  correspondents all;
  std::map<std::vector<std::string>*, std::set<std::string>> seen;
  const auto add = [&](std::vector<std::string>& to, std::string_view raw) {
    for (std::string& each : addresses_in(raw))
      if (to.size() < max_correspondents && seen[&to].insert(each).second) to.push_back(std::move(each));
  };
  for (const header_field& each : header) {
    if (is_any(each.name, {"return-path"})) {
      if (all.envelope_from.empty()) add(all.envelope_from, each.raw);  // a forwarded message has older ones
      if (all.envelope_from.size() > 1) all.envelope_from.resize(1);
    } else if (is_any(each.name, {"delivered-to", "envelope-to", "x-envelope-to", "x-original-to", "x-rcpt-to"})) {
      add(all.envelope_to, each.raw);
    } else if (is_any(each.name, {"from", "sender"})) {
      add(all.from, each.raw);
    } else if (is_any(each.name, {"to", "cc", "bcc"})) {
      add(all.to, each.raw);
    }
  }
  return all;
}

bool message_criteria::match(std::span<const header_field> header) const {
  const correspondents who = to.empty() && from.empty() ? correspondents{} : correspondents_of(header);
  const auto is_recipient = [&](const address_pattern& each) {
    return matches_any(each, who.envelope_to) || matches_any(each, who.to);
  };
  const auto is_sender = [&](const address_pattern& each) {
    return matches_any(each, who.envelope_from) || matches_any(each, who.from);
  };
  if (!std::ranges::all_of(to, is_recipient) || !std::ranges::all_of(from, is_sender)) return false;
  if (subject.empty()) return true;
  std::string text;
  for (const header_field& each : header)
    if (is_any(each.name, {"subject"})) text += each.value + '\n';
  return std::ranges::all_of(subject, [&](const std::string& each) { return contains_text(text, each); });
}

bool contains_text(std::string_view text, std::string_view wanted) {
  return to_comparable(text).find(to_comparable(wanted)) != std::string::npos;
}

}  // namespace netlab::mail
