// SPDX-License-Identifier: MIT
#include "mail/message/header.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/message/quoted.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_encoded_word = 75;  // RFC 2047 §2
constexpr std::size_t encoded_line = 76;      // RFC 2047 §2: limit for a line with an encoded-word
constexpr std::string_view q_opening = "=?utf-8?Q?";
constexpr std::string_view b_opening = "=?utf-8?B?";
constexpr std::size_t max_blanks = 8;  // more blanks in a row could fill a line
constexpr std::size_t max_name = 400;  // a longer name is encoded, so that it can be folded

constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
// RFC 2047 §5 (3): characters that need no encoding in a phrase, where the rules are strictest.
constexpr bool is_q_literal(char c) noexcept { return is_letter_or_digit(c) || std::string_view("!*+-/").contains(c); }
// RFC 2231 §7, attribute-char: the token characters (RFC 2045 §5.1) that have no meaning of their own in RFC 2231.
constexpr bool is_attribute_char(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$&+-.^_`{|}~").contains(c);
}
// RFC 5322 §3.2.3
constexpr bool is_ascii_atext(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

enum class word_form : std::uint8_t { plain, encoded };

// Writes a field word by word and folds it. RFC 5322 §2.2.3: a fold is a CRLF before a blank.
class folder {
 public:
  explicit folder(std::string& to, std::size_t column) : to_(to), column_(column) {}

  // If `blanks` is empty, the word cannot be moved to the next line.
  void add(std::string_view blanks, std::string_view word, word_form form = word_form::plain) {
    const bool is_encoded = form == word_form::encoded;
    const std::size_t limit = is_encoded || line_is_encoded_ ? encoded_line : wanted_line;
    // A plain first word stays on the line of the field name: some readers require it.
    if (!blanks.empty() && (has_word_ || is_encoded) && column_ + blanks.size() + word.size() > limit) {
      to_ += "\r\n";
      column_ = 0;
      line_is_encoded_ = false;
    }
    to_ += blanks;
    to_ += word;
    column_ += blanks.size() + word.size();
    has_word_ = has_word_ || !word.empty();
    line_is_encoded_ = line_is_encoded_ || is_encoded;
  }
  // Room for an encoded-word of `least` octets or more after one blank: on the line of the field name if it fits
  // there, else on a line of its own.
  [[nodiscard]] std::size_t room(std::size_t least) const noexcept {
    const bool fits_beside_name = !has_word_ && column_ + 1 + least <= encoded_line;
    return encoded_line - 1 - (fits_beside_name ? column_ : 0);
  }
  void end() { to_ += "\r\n"; }

 private:
  std::string& to_;
  std::size_t column_;
  bool has_word_ = false;  // RFC 5322 §3.2.2: no line of blanks only
  bool line_is_encoded_ = false;
};

// The length of `text` in Q encoding.
std::size_t length_in_q(std::string_view text) noexcept {
  std::size_t length = 0;
  for (const char c : text) length += is_q_literal(c) || c == ' ' ? 1U : 3U;
  return length;
}

// Writes as many encoded-words as needed, each of whole characters (RFC 2047 §5). `before` and `after` are directly
// adjacent: the parentheses of a comment.
void add_encoded(folder& to, std::string_view blanks, std::string_view text, std::string_view before = {},
                 std::string_view after = {}) {
  constexpr std::size_t frame = q_opening.size() + 2;
  constexpr std::size_t least = 12;  // room for any one character

  const bool in_q = length_in_q(text) <= (text.size() + 2) / 3 * 4;
  while (!text.empty()) {
    std::size_t length = 0;
    const std::size_t beside = before.size() + after.size();
    const std::size_t on_line = to.room(frame + least + beside);
    std::size_t room = std::min(on_line - std::min(on_line, beside), max_encoded_word);
    room = std::max(room, frame + least) - frame;
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
    std::string word(before);
    word += in_q ? q_opening : b_opening;
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
    text.remove_prefix(length);
    if (text.empty()) word += after;
    to.add(blanks, word, word_form::encoded);
    blanks = " ";  // not shown between two encoded-words
    before = {};
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

// Words that have to be encoded: a reader would lose or misread them as they are, or they do not fit on a line.
// `first_room`: octets for the first word, next to the field name.
std::vector<bool> to_be_encoded(std::span<const token> tokens, std::size_t first_room) {
  std::vector<bool> found;
  for (const token& one : tokens) {
    const bool is_first = found.empty();
    const std::size_t room = is_first ? first_room : max_line - std::max<std::size_t>(1, one.blanks.size());
    const bool is_odd = !is_ascii(one.word) || one.word.contains("=?") || one.word.size() > room;
    found.push_back(is_odd || one.word.empty() || one.blanks.size() > max_blanks || (is_first && !one.blanks.empty()));
    // Trailing blanks are encoded together with the word before them.
    if (one.word.empty() && !is_first) found[found.size() - 2] = true;
  }
  return found;
}

// Adjacent words outside ASCII are encoded as one text, so that the blanks between them are shown.
void add_text(folder& to, std::string_view text, std::size_t first_room) {
  const auto tokens = tokens_of(text);
  const auto encoded = to_be_encoded(tokens, first_room);
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::string_view blanks = at == 0 ? " " : tokens[at].blanks;
    if (!encoded[at]) {
      to.add(blanks, tokens[at].word);
      continue;
    }
    std::size_t last = at;
    while (last + 1 < tokens.size() && encoded[last + 1]) ++last;
    const char* const end = tokens[last].word.data() + tokens[last].word.size();
    // RFC 2047 §5 (1): one blank separates it from the previous word and is shown; further blanks are encoded.
    const char* const begin = at == 0 ? text.data() : blanks.data() + 1;
    add_encoded(to, blanks.substr(0, 1), {begin, static_cast<std::size_t>(end - begin)});
    at = last;
  }
}

// RFC 5322 §3.2.5: a phrase, followed directly by `after`.
void add_name(folder& to, std::string_view name, std::string_view after = {}) {
  if (!is_ascii(name) || name.contains("=?") || name.size() > max_name) {
    add_encoded(to, " ", name, {}, after);
    return;
  }
  const auto tokens = tokens_of(name);
  const bool is_plain = std::ranges::all_of(tokens, [&](const token& one) {
    return (&one == tokens.data() ? one.blanks.empty() : one.blanks == " ") && !one.word.empty() &&
           std::ranges::all_of(one.word, is_ascii_atext);
  });
  if (is_plain) {
    for (const token& one : tokens) to.add(" ", one.word);
    to.add({}, after);
    return;
  }
  to.add(" ", to_quoted(name).append(after));
}

// A phrase as typed: with or without quotes.
void add_phrase(folder& to, std::string_view phrase, std::string_view after) {
  if (phrase.size() >= 2 && phrase.starts_with('"') && phrase.ends_with('"') && !phrase.contains('\\'))
    phrase = phrase.substr(1, phrase.size() - 2);
  add_name(to, phrase, after);
}

// Tracks, octet by octet, whether a position in a structured field is in a quoted string or a comment; this may
// change within a word.
class place_in_field {
 public:
  void pass(char c) noexcept {
    if (std::exchange(is_escaped_, false)) return;
    if (c == '\\') {
      is_escaped_ = is_quoted_ || depth_ > 0;
    } else if (c == '"' && depth_ == 0) {
      is_quoted_ = !is_quoted_;
    } else if (!is_quoted_ && c == '(') {
      ++depth_;
    } else if (!is_quoted_ && c == ')' && depth_ > 0) {
      --depth_;
    }
  }
  void pass(std::string_view text) noexcept {
    for (const char c : text) pass(c);
  }
  [[nodiscard]] bool is_in_comment() const noexcept { return depth_ > 0; }

 private:
  std::size_t depth_ = 0;  // of nested comments
  bool is_quoted_ = false;
  bool is_escaped_ = false;
};

// The text of a comment's word, without its parentheses.
std::string_view text_of_comment(std::string_view word) noexcept {
  while (word.starts_with('(')) word.remove_prefix(1);
  while (word.ends_with(')')) word.remove_suffix(1);
  return word;
}

// The closing parentheses at the end of the word.
std::string_view parentheses_after(std::string_view word) noexcept {
  const std::size_t last = word.find_last_not_of(')');
  return word.substr(last == std::string_view::npos ? 0 : last + 1);
}

// Writes the field unchanged but folded at its blanks, and encodes words outside ASCII in its comments. False if
// there are such words elsewhere (RFC 2047 §5).
bool add_structured(folder& to, std::string_view text) {
  const auto tokens = tokens_of(text);
  place_in_field place;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::string_view blanks = at == 0 ? " " : tokens[at].blanks;
    const std::string_view word = tokens[at].word;
    if (is_ascii(word)) {
      to.add(blanks, word);
      place.pass(word);
      continue;
    }
    const std::string_view first = text_of_comment(word);
    const std::string_view before = word.substr(0, static_cast<std::size_t>(first.data() - word.data()));
    place.pass(before);
    if (!place.is_in_comment()) return false;
    // Blanks between two encoded-words are not shown, so neighbours are encoded as one text.
    std::size_t last = at;
    while (last + 1 < tokens.size() && !tokens[last].word.ends_with(')') && !is_ascii(tokens[last + 1].word) &&
           !tokens[last + 1].word.starts_with('('))
      ++last;
    const std::string_view after = parentheses_after(tokens[last].word);
    const std::string_view rest = text.substr(static_cast<std::size_t>(first.data() - text.data()));
    const auto to_end = static_cast<std::size_t>(after.data() - first.data());
    const std::string_view whole = rest.substr(0, to_end);
    if (whole.find_first_of("()\\") != std::string_view::npos) return false;
    add_encoded(to, blanks, whole, before, after);
    place.pass(after);
    at = last;
  }
  return true;
}

std::size_t longest_line(std::string_view field) noexcept {
  std::size_t longest = 0;
  while (!field.empty()) {
    const std::size_t end = std::min(field.find("\r\n"), field.size());
    longest = std::max(longest, end);
    field.remove_prefix(std::min(end + 2, field.size()));
  }
  return longest;
}

// Appends a whole field, whose body `fill` writes to a folder; fails if a line is too long.
template <class Fill>
result<void> append_checked(std::string& to, std::string_view name, const Fill& fill) {
  std::string field = std::string(name) + ':';
  folder body(field, field.size());
  fill(body);
  body.end();
  if (const std::size_t length = longest_line(field); length > max_line)
    return fail(
        errc::bad_data,
        fmt::format("the header field {} has a line of {} octets, which cannot be folded; at most {} are allowed", name,
                    length, max_line));
  to += field;
  return {};
}

// Takes one section of an extended parameter off `text`, %-encoded where needed; characters are not split.
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

result<void> check_header_text(std::string_view text, std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return fail(errc::bad_data, fmt::format("{} '{}' {}", name, escape(text, 100), why));
  };
  for (std::string_view left = text; !left.empty();) {
    const utf8_sequence next = decode_utf8(left);
    if (next.length == 0) return refuse("is not UTF-8");
    const std::uint32_t c = next.code_point;
    if (c == '\r' || c == '\n') return refuse("contains a line end");
    if ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0)) return refuse("contains a control character");
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
  add_text(field, text, max_line - std::min(max_line, name.size() + 2));
  field.end();
}

result<void> append_structured(std::string& to, std::string_view name, std::string_view text) {
  bool is_good = true;
  const auto done = append_checked(to, name, [&](folder& field) { is_good = add_structured(field, text); });
  if (is_good) return done;
  return fail(errc::bad_data, fmt::format("the header field {} contains a character outside ASCII", name),
              "only a comment in parentheses may have one; a URL has %C3%A9 for é");
}

result<void> append_phrases(std::string& to, std::string_view name, std::string_view text) {
  if (is_ascii(text)) return append_structured(to, name, text);
  return append_checked(to, name, [&](folder& field) {
    const auto phrases = split(text, ',');
    for (const std::string_view& each : phrases)
      if (!trim(each).empty()) add_phrase(field, trim(each), &each == &phrases.back() ? "" : ",");
  });
}

result<void> append_list_id(std::string& to, std::string_view name, std::string_view text) {
  const std::size_t bracket = text.rfind('<');
  if (is_ascii(text) || bracket == std::string_view::npos || !is_ascii(text.substr(bracket)))
    return append_structured(to, name, text);
  return append_checked(to, name, [&](folder& field) {
    add_phrase(field, trim(text.substr(0, bracket)), {});
    field.add(" ", text.substr(bracket));
  });
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
    // Keep a mailbox on one line if it fits.
    std::string whole;
    folder alone(whole, 0);
    add_name(alone, one.name);
    alone.add(" ", spelled);
    if (!whole.contains('\n')) {
      const bool is_encoded = whole.starts_with(" =?");  // names that begin with this are always encoded
      field.add(" ", std::string_view(whole).substr(1), is_encoded ? word_form::encoded : word_form::plain);
    } else {
      add_name(field, one.name);
      field.add(" ", spelled);
    }
  }
  field.end();
}

void append_parameter(std::string& to, std::size_t& column, std::string_view name, std::string_view value) {
  constexpr std::size_t max_section = 60;
  // Many readers decode what looks like an encoded-word even in quotes, which RFC 2047 §5 forbids.
  if (is_ascii(value) && value.size() <= max_section && value.find_first_of("\"\\") == std::string_view::npos &&
      !value.contains("=?")) {
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
