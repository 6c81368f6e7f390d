// SPDX-License-Identifier: MIT
#include "mail/reply.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_shown = 400;  // octets of a reply shown in an error

unexpected<failure> not_a_reply(std::string_view line) {
  return fail(errc::peer_protocol, fmt::format("'{}' is not an SMTP reply", escape(line, 80)),
              "is there a mail server at that port?");
}

}  // namespace

std::optional<enhanced_status> reply::enhanced() const {
  if (lines.empty()) return std::nullopt;
  const std::string_view text = lines.back();
  const auto parts = split(text.substr(0, text.find(' ')), '.');
  if (parts.size() != 3 || parts[0].size() != 1) return std::nullopt;
  const auto kind = parse_integer<unsigned>(parts[0]);
  const auto subject = parse_integer<unsigned>(parts[1]);
  const auto detail = parse_integer<unsigned>(parts[2]);
  if (!kind || !subject || !detail || *subject > 999 || *detail > 999) return std::nullopt;
  if (static_cast<int>(*kind) != code / 100) return std::nullopt;
  return enhanced_status{*kind, *subject, *detail};
}

std::string reply::to_string() const {
  std::string text = fmt::format("{}", code);
  for (const std::string& each : lines)
    if (!each.empty()) text += ' ' + each;
  return text;
}

std::string reply::last_line() const {
  return lines.empty() || lines.back().empty() ? fmt::format("{}", code) : fmt::format("{} {}", code, lines.back());
}

failure to_failure(const reply& answer, std::string act) {
  errc code = errc::peer_protocol;
  if (answer.is_temporary()) code = errc::try_later;
  if (answer.is_permanent()) code = errc::rejected;
  std::string detail = escape(answer.to_string(), max_shown);
  if (code == errc::peer_protocol) detail = fmt::format("unexpected answer {}", detail);
  return {make_error_code(code), std::move(act), std::move(detail), {}};
}

result<bool> reply_parser::take(std::string_view line) {
  if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2])) return not_a_reply(line);
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (code < 200 || code > 599) return not_a_reply(line);
  // RFC 5321 §4.2.1: a code alone is a complete line; older servers send it.
  const char separator = line.size() > 3 ? line[3] : ' ';
  if (separator != ' ' && separator != '-') return not_a_reply(line);
  if (!begun_.lines.empty() && code != begun_.code)
    return fail(errc::peer_protocol,
                fmt::format("a multi-line reply with the code {} continues with {}", begun_.code, code));
  size_ += line.size();
  if (size_ > max_reply) return fail(errc::peer_protocol, fmt::format("a reply of more than {} octets", max_reply));
  begun_.code = code;
  begun_.lines.emplace_back(line.substr(std::min<std::size_t>(line.size(), 4)));
  return separator == ' ';
}

std::optional<result<reply>> reply_parser::next() {
  while (!broken_) {
    const auto line = lines_.next();
    if (!line) return std::nullopt;
    result<bool> whole = line->too_long
                             ? result<bool>(fail(errc::peer_protocol,
                                                 fmt::format("a reply line of more than {} octets", max_reply_line)))
                             : take(line->text);
    if (!whole) {
      broken_ = true;
      return unexpected(std::move(whole.error()));
    }
    if (!*whole) continue;
    size_ = 0;
    return std::exchange(begun_, reply());
  }
  return std::nullopt;
}

}  // namespace netlab::mail
