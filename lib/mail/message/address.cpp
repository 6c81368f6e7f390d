// SPDX-License-Identifier: MIT
#include "mail/message/address.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "base/domain.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/message/quoted.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t most_shown = 100;  // octets of a bad address shown in a message

// RFC 5322 §3.2.3; RFC 6532 §3.2 adds all of UTF-8 outside ASCII.
constexpr bool is_atext(char c) noexcept {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return static_cast<unsigned char>(c) >= 0x80 || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

unexpected<failure> refuse_address(std::string_view text, std::string_view why, std::string hint = {}) {
  return fail(errc::bad_data, fmt::format("address '{}' {}", escape(text, most_shown), why), std::move(hint));
}

// Checked first: no address may have characters that end a line or are invisible, not even in quotes.
result<void> check_octets(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; })) return {};
  for (std::string_view left = text; !left.empty();) {
    const utf8_sequence next = decode_utf8(left);
    if (next.length == 0) return refuse_address(text, "is not UTF-8");
    if ((next.code_point < 0x20 && next.code_point != '\t') || (next.code_point >= 0x7f && next.code_point < 0xa0))
      return refuse_address(text, "contains a control character");
    if (next.code_point != '\t' && !is_harmless(left.substr(0, next.length)))
      return refuse_address(text, "contains an invisible character");
    left.remove_prefix(next.length);
  }
  return {};
}

// The length of the `local@domain` at the start of `text`; more may follow it.
std::size_t length_of_address(std::string_view text) noexcept {
  std::size_t at = 0;
  if (text.starts_with('"')) at = length_of_quoted(text);
  while (at < text.size() && !is_blank(text[at]) && !std::string_view("<>(),;:\"").contains(text[at])) {
    if (text[at] == '[') {
      const std::size_t end = text.find(']', at);
      return end == std::string_view::npos ? text.size() : end + 1;
    }
    ++at;
  }
  return at;
}

// RFC 5321 §4.1.3
result<std::string> check_literal(std::string_view literal, std::string_view whole) {
  const std::string inner = to_lower(literal.substr(1, literal.size() - 2));
  const bool is_v6 = inner.starts_with("ipv6:");
  const std::string_view figures = std::string_view(inner).substr(is_v6 ? 5 : 0);
  if (const auto found = parse_ip(figures); found && found->is_v6 == is_v6 && found->scope == 0)
    return fmt::format("[{}{}]", is_v6 ? "IPv6:" : "", figures);
  return refuse_address(whole, "has no IP address in its brackets", "write [192.0.2.1] or [IPv6:2001:db8::1]");
}

result<void> check_local_part(std::string_view local, std::string_view whole) {
  if (local.empty()) return refuse_address(whole, "has nothing before the @");
  if (local.size() > max_local_part)
    return refuse_address(
        whole, fmt::format("has {} octets before the @; at most {} are allowed", local.size(), max_local_part));
  if (local.front() == '"') {
    if (length_of_quoted(local) != local.size()) return refuse_address(whole, "has an unclosed quote before the @");
    if (local.find('\t') != std::string_view::npos)
      return refuse_address(whole, "contains a tab");  // RFC 5321 qtextSMTP
    return {};
  }
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos)
    return refuse_address(whole, "has a misplaced dot before the @", "quote that part if the dot is intended");
  for (const char c : local)
    if (c != '.' && !is_atext(c)) return refuse_address(whole, fmt::format("has '{}' before the @", escape({&c, 1})));
  return {};
}

result<address> parse_bare(std::string_view text, std::string_view whole) {
  const std::size_t local_length = text.starts_with('"') ? length_of_quoted(text) : text.find('@');
  if (local_length == 0)
    return refuse_address(whole, text.starts_with('@') ? "has nothing before the @" : "has an unclosed quote");
  if (local_length >= text.size()) return refuse_address(whole, "has no @");
  if (text[local_length] != '@') return refuse_address(whole, "has something between the quote and the @");
  address found;
  found.local = text.substr(0, local_length);
  found.domain = text.substr(local_length + 1);
  if (const auto good = check_local_part(found.local, whole); !good) return unexpected(good.error());
  if (found.domain.empty()) return refuse_address(whole, "has nothing after the @");
  if (found.domain.find('@') != std::string::npos) return refuse_address(whole, "has more than one @");
  if (found.domain.front() == '[') {
    if (found.domain.back() != ']' || found.domain.size() < 3) return refuse_address(whole, "has an unclosed bracket");
    auto literal = check_literal(found.domain, whole);
    if (!literal) return unexpected(literal.error());
    found.domain = *literal;
    found.ascii_domain = std::move(*literal);
  } else {
    auto ascii = to_ascii_domain(found.domain);
    if (!ascii) return refuse_address(whole, "is not valid: " + ascii.error().detail, ascii.error().hint);
    found.ascii_domain = std::move(*ascii);
    if (found.domain.back() == '.') found.domain.pop_back();
  }
  if (found.local.size() + 1 + found.ascii_domain.size() > max_address)
    return refuse_address(whole, fmt::format("has more than {} octets", max_address));
  return found;
}

// Removes leading blanks and comments and keeps the last comment's text. False if a comment is not closed.
bool skip_comments(std::string_view& text, std::string& comment) {
  for (;;) {
    skip_blanks(text);
    if (!text.starts_with('(')) return true;
    const std::size_t length = length_of_comment(text);
    if (length == 0) return false;
    comment = unquote(text.substr(1, length - 2));
    text.remove_prefix(length);
  }
}

// Parses `phrase <address>` at the start of `text`, which keeps what follows the >.
result<mailbox> take_named(std::string_view& text, std::string_view whole) {
  mailbox found;
  for (;;) {
    std::string comment;
    const std::size_t before = text.size();
    if (!skip_comments(text, comment)) return refuse_address(whole, "has an unclosed bracket");
    if (text.starts_with('<')) break;
    const bool had_blank = text.size() != before;
    if (had_blank && !found.name.empty()) found.name += ' ';
    if (text.empty()) return refuse_address(whole, "has no address in angle brackets");
    if (text.front() == '"') {
      const std::size_t length = length_of_quoted(text);
      if (length == 0) return refuse_address(whole, "has an unclosed quote");
      found.name += unquote(text.substr(1, length - 2));
      text.remove_prefix(length);
      continue;
    }
    std::size_t length = 0;  // RFC 5322 §4.1: a dot is not an atext, but is usual after an initial
    while (length < text.size() && (is_atext(text[length]) || text[length] == '.')) ++length;
    if (length == 0 && whole.find('@') != std::string_view::npos && whole.find(';') != std::string_view::npos)
      return refuse_address(whole, "contains a ;", "separate addresses with a comma");
    if (length == 0)
      return refuse_address(whole, fmt::format("has '{}' in its name", escape(text.substr(0, 1))),
                            "put the name in quotes");
    found.name += text.substr(0, length);
    text.remove_prefix(length);
  }
  std::size_t end = 1;
  while (end < text.size() && text[end] != '>') {
    if (text[end] == '"') {
      const std::size_t length = length_of_quoted(text.substr(end));
      if (length == 0) return refuse_address(whole, "has an unclosed quote");
      end += length;
    } else {
      ++end;
    }
  }
  if (end >= text.size()) return refuse_address(whole, "has a < without a >");
  auto inner = parse_bare(trim(text.substr(1, end - 1)), whole);
  if (!inner) return unexpected(inner.error());
  found.address = std::move(*inner);
  text.remove_prefix(end + 1);
  return found;
}

// Parses and removes one mailbox at the start of `text`, up to a comma or the end.
result<mailbox> take_mailbox(std::string_view& text, std::string_view whole) {
  std::string comment;
  if (!skip_comments(text, comment)) return refuse_address(whole, "has an unclosed bracket");
  const std::size_t bare = length_of_address(text);
  std::string_view rest = text.substr(std::min(bare, text.size()));
  const bool is_bare =
      text.substr(0, bare).contains('@') && skip_comments(rest, comment) && (rest.empty() || rest.front() == ',');
  mailbox found;
  if (is_bare) {
    auto parsed = parse_bare(text.substr(0, bare), whole);
    if (!parsed) return unexpected(parsed.error());
    found.address = std::move(*parsed);
    found.name = std::move(comment);
    text = rest;
    return found;
  }
  if (text.find('<') == std::string_view::npos) {
    if (text.find('@') == std::string_view::npos && text.find(':') == std::string_view::npos)
      return refuse_address(whole, "has no @");
    if (text.find(':') != std::string_view::npos && text.find(';') != std::string_view::npos)
      return refuse_address(whole, "is a group", "name its members");
  }
  auto named = take_named(text, whole);
  if (!named) return named;
  if (!skip_comments(text, comment)) return refuse_address(whole, "has an unclosed bracket");
  if (!text.empty() && text.front() != ',') return refuse_address(whole, "has something after its >");
  return named;
}

}  // namespace

bool address::is_ascii() const noexcept { return netlab::is_ascii(local) && netlab::is_ascii(ascii_domain); }

bool operator==(const address& one, const address& other) noexcept {
  return one.local == other.local && one.ascii_domain == other.ascii_domain;
}

result<address> parse_address(std::string_view text) {
  if (const auto good = check_octets(text); !good) return unexpected(good.error());
  std::string_view bare = trim(text);
  if (bare.starts_with('<') && bare.ends_with('>')) bare = trim(bare.substr(1, bare.size() - 2));
  if (bare.empty()) return fail(errc::bad_data, "an address is empty");
  return parse_bare(bare, text);
}

result<mailbox> parse_mailbox(std::string_view text) {
  auto list = parse_mailbox_list(text);
  if (!list) return unexpected(list.error());
  if (list->empty()) return fail(errc::bad_data, "an address is empty");
  if (list->size() > 1) return refuse_address(text, fmt::format("is {} addresses, not one", list->size()));
  return std::move(list->front());
}

result<std::vector<mailbox>> parse_mailbox_list(std::string_view text) {
  if (const auto good = check_octets(text); !good) return unexpected(good.error());
  std::vector<mailbox> list;
  std::string_view left = text;
  for (;;) {
    skip_blanks(left);
    if (left.empty()) return list;
    if (left.front() == ',') {
      left.remove_prefix(1);
      continue;
    }
    // An error shows only the bad element of a long list.
    const std::string_view from = left;
    auto one = take_mailbox(left, from);
    if (!one) return unexpected(one.error());
    list.push_back(std::move(*one));
  }
}

}  // namespace netlab::mail
