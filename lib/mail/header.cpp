// SPDX-License-Identifier: MIT
#include "mail/header.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_encoded_word = 75;  // RFC 2047 §2
constexpr std::string_view q_opening = "=?utf-8?Q?";
constexpr std::string_view b_opening = "=?utf-8?B?";
constexpr std::size_t max_blanks = 8;  // more of them in a row could fill a line
constexpr std::size_t max_word = 400;  // a longer one is no word: it is encoded, so that it can be folded

constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
// RFC 2047 §5 (3): what stands for itself in a phrase, where the rules are strictest.
constexpr bool is_q_literal(char c) noexcept { return is_letter_or_digit(c) || std::string_view("!*+-/").contains(c); }
// RFC 2231 §7, attribute-char: of a token's characters (RFC 2045 §5.1) those that no reader takes for RFC 2231's own.
constexpr bool is_attribute_char(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$&+-.^_`{|}~").contains(c);
}
// RFC 5322 §3.2.3
constexpr bool is_ascii_atext(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

// A field that grows word by word and is folded in time. RFC 5322 §2.2.3: a fold is a CRLF before a blank.
class folder {
 public:
  explicit folder(std::string& to, std::size_t column) : to_(to), column_(column) {}

  // `blanks` may be empty: then the word cannot be moved to the next line.
  void add(std::string_view blanks, std::string_view word, std::size_t limit = wanted_line) {
    if (!blanks.empty() && has_word_ && column_ + blanks.size() + word.size() > limit) {
      to_ += "\r\n";
      column_ = 0;
    }
    to_ += blanks;
    to_ += word;
    column_ += blanks.size() + word.size();
    has_word_ = has_word_ || !word.empty();
  }
  // What is left of a line of `limit`, behind one blank; a whole line's where the next word may begin a new one.
  [[nodiscard]] std::size_t room(std::size_t limit) const noexcept {
    return has_word_ || column_ + 1 >= limit ? limit - 1 : limit - 1 - column_;
  }
  void end() { to_ += "\r\n"; }

 private:
  std::string& to_;
  std::size_t column_;
  bool has_word_ = false;  // RFC 5322 §3.2.2: no line of blanks alone
};

// Octets that the text takes in Q.
std::size_t length_in_q(std::string_view text) noexcept {
  std::size_t length = 0;
  for (const char c : text) length += is_q_literal(c) || c == ' ' ? 1U : 3U;
  return length;
}

// As many encoded-words as it takes; each has whole characters (RFC 2047 §5).
void add_encoded(folder& to, std::string_view blanks, std::string_view text) {
  constexpr std::size_t limit = 76;  // RFC 2047 §2: of a line with an encoded-word in it
  constexpr std::size_t frame = q_opening.size() + 2;
  constexpr std::size_t least = 12;  // room for any character

  const bool in_q = length_in_q(text) <= (text.size() + 2) / 3 * 4;
  while (!text.empty()) {
    std::size_t length = 0;
    std::size_t room = std::max(std::min(to.room(limit), max_encoded_word), frame + least) - frame;
    while (length < text.size()) {
      const std::size_t next = std::max<std::size_t>(1, decode_utf8(text.substr(length)).length);
      if (in_q) {
        const std::size_t needed = length_in_q(text.substr(length, next));
        if (needed > room) break;
        room -= needed;
      } else if ((length + next + 2) / 3 * 4 > room) {
        break;
      }
      length += next;
    }
    std::string word(in_q ? q_opening : b_opening);
    if (in_q) {
      for (const char c : text.substr(0, length)) {
        if (c == ' ') {
          word += '_';
        } else if (is_q_literal(c)) {
          word += c;
        } else {
          fmt::format_to(std::back_inserter(word), "={:02X}", static_cast<unsigned char>(c));
        }
      }
    } else {
      word += encode_base64(as_bytes(text.substr(0, length)));
    }
    word += "?=";
    to.add(blanks, word, limit);
    blanks = " ";  // which is not shown between two of them
    text.remove_prefix(length);
  }
}

struct token {
  std::string_view blanks;
  std::string_view word;
};

std::vector<token> tokens_of(std::string_view text) {
  std::vector<token> found;
  while (!text.empty()) {
    std::size_t blanks = 0;
    while (blanks < text.size() && is_blank(text[blanks])) ++blanks;
    std::size_t end = blanks;
    while (end < text.size() && !is_blank(text[end])) ++end;
    found.push_back({text.substr(0, blanks), text.substr(blanks, end - blanks)});
    text.remove_prefix(end);
  }
  return found;
}

// Which words a reader would lose, or take for something else, if they stood there as they are.
std::vector<bool> to_be_encoded(std::span<const token> tokens) {
  std::vector<bool> found;
  for (const token& one : tokens) {
    const bool is_first = found.empty();
    const bool is_odd = !is_ascii(one.word) || one.word.contains("=?") || one.word.size() > max_word;
    found.push_back(is_odd || one.word.empty() || one.blanks.size() > max_blanks || (is_first && !one.blanks.empty()));
    // Blanks at the end go with the word before them.
    if (one.word.empty() && !is_first) found[found.size() - 2] = true;
  }
  return found;
}

// Words outside ASCII, with the blanks between two of them, which would not be shown else, are one text.
void add_text(folder& to, std::string_view text) {
  const auto tokens = tokens_of(text);
  const auto encoded = to_be_encoded(tokens);
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::string_view blanks = at == 0 ? " " : tokens[at].blanks;
    if (!encoded[at]) {
      to.add(blanks, tokens[at].word);
      continue;
    }
    std::size_t last = at;
    while (last + 1 < tokens.size() && encoded[last + 1]) ++last;
    const char* const end = tokens[last].word.data() + tokens[last].word.size();
    // RFC 2047 §5 (1): a blank sets it off from the word before, and is shown; further blanks are text.
    const char* const begin = at == 0 ? text.data() : blanks.data() + 1;
    add_encoded(to, blanks.substr(0, 1), {begin, static_cast<std::size_t>(end - begin)});
    at = last;
  }
}

// RFC 5322 §3.2.5, a phrase.
void add_name(folder& to, std::string_view name) {
  if (!is_ascii(name) || name.contains("=?") || name.size() > max_word) {
    add_encoded(to, " ", name);
    return;
  }
  const auto tokens = tokens_of(name);
  const bool is_plain = std::ranges::all_of(tokens, [&](const token& one) {
    return (&one == tokens.data() ? one.blanks.empty() : one.blanks == " ") && !one.word.empty() &&
           std::ranges::all_of(one.word, is_ascii_atext);
  });
  if (is_plain) {
    for (const token& one : tokens) to.add(" ", one.word);
    return;
  }
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  to.add(" ", quoted);
}

// One section of an extended parameter, `%` where needed; characters stay whole. Takes what it writes off the text.
std::string take_extended(std::string_view& text, std::size_t room) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, decode_utf8(text).length);
    std::string next;
    for (const char c : text.substr(0, length)) {
      if (is_attribute_char(c)) {
        next += c;
      } else {
        fmt::format_to(std::back_inserter(next), "%{:02X}", static_cast<unsigned char>(c));
      }
    }
    if (!out.empty() && out.size() + next.size() > room) break;
    out += next;
    text.remove_prefix(length);
  }
  return out;
}

void add_parameter(std::string& to, std::size_t& column, std::string_view text) {
  to += ';';
  if (++column + 2 + text.size() > wanted_line) {
    to += "\r\n";
    column = 0;
  }
  to += ' ';
  to += text;
  column += 1 + text.size();
}

}  // namespace

result<void> check_header_text(std::string_view text, std::string_view what) {
  const auto refuse = [&](std::string_view why) {
    return fail(errc::bad_data, fmt::format("{} '{}' {}", what, escape(text, 100), why));
  };
  for (std::string_view left = text; !left.empty();) {
    const utf8_sequence next = decode_utf8(left);
    if (next.length == 0) return refuse("is not UTF-8");
    const std::uint32_t c = next.code_point;
    if (c == '\r' || c == '\n') return refuse("has a line end in it");
    if ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0)) return refuse("has a control character in it");
    left.remove_prefix(next.length);
  }
  return {};
}

bool is_field_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != ':'; });
}

void append_unstructured(std::string& to, std::string_view name, std::string_view text) {
  to += name;
  to += ':';
  folder field(to, name.size() + 1);
  add_text(field, text);
  field.end();
}

void append_mailboxes(std::string& to, std::string_view name, std::span<const mailbox> list) {
  to += name;
  to += ':';
  folder field(to, name.size() + 1);
  for (const mailbox& one : list) {
    std::string spelled = one.address.to_ascii_domain();
    if (!one.name.empty()) spelled = '<' + spelled + '>';
    if (&one != &list.back()) spelled += ',';
    if (one.name.empty()) {
      field.add(" ", spelled);
      continue;
    }
    // A mailbox stays on one line if it has room there.
    std::string whole;
    folder alone(whole, 0);
    add_name(alone, one.name);
    alone.add(" ", spelled);
    if (!whole.contains('\n')) {
      field.add(" ", std::string_view(whole).substr(1));
    } else {
      add_name(field, one.name);
      field.add(" ", spelled);
    }
  }
  field.end();
}

void append_parameter(std::string& to, std::size_t& column, std::string_view name, std::string_view value) {
  constexpr std::size_t max_section = 60;
  if (is_ascii(value) && value.size() <= max_section && value.find('"') == std::string_view::npos &&
      value.find('\\') == std::string_view::npos) {
    const bool is_token = !value.empty() && std::ranges::all_of(value, is_attribute_char);
    add_parameter(to, column, is_token ? fmt::format("{}={}", name, value) : fmt::format("{}=\"{}\"", name, value));
    return;
  }
  std::vector<std::string> sections;
  for (std::string_view left = value; !left.empty() || sections.empty();)
    sections.push_back(take_extended(left, max_section - name.size()));
  for (std::size_t number = 0; number < sections.size(); ++number) {
    const std::string section = sections.size() == 1 ? "" : fmt::format("*{}", number);
    add_parameter(to, column, fmt::format("{}{}*={}{}", name, section, number == 0 ? "utf-8''" : "", sections[number]));
  }
}

std::string to_date(std::chrono::sys_seconds time, std::chrono::minutes utc_offset) {
  static constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto local = time + utc_offset;
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(local - day);
  const auto offset = utc_offset.count() < 0 ? -utc_offset.count() : utc_offset.count();
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count(), utc_offset.count() < 0 ? '-' : '+', offset / 60, offset % 60);
}

}  // namespace netlab::mail
