// SPDX-License-Identifier: MIT
#include "http/request.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/url.hpp"

namespace netlab::http {
namespace {

// RFC 9110 §5.6.2
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || others.find(c) != std::string_view::npos;
  });
}

std::string decode_form(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  return decode_percent(plain);
}

std::unexpected<refusal> refuse(unsigned status, std::string_view reason) {
  return std::unexpected(refusal{status, reason});
}

std::expected<void, refusal> parse_target(std::string_view target, request& into) {
  if (target.size() > max_target) return refuse(414, "the target is too long");
  // RFC 9112 §3.2: no blanks or control characters; octets above 127 must be escaped.
  if (!std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; }))
    return refuse(400, "an invalid character in the target");
  if (const std::string lower = to_lower(target.substr(0, 8)); lower.starts_with("http://")) {
    target.remove_prefix(7);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    into.host = target.substr(0, end);
    target.remove_prefix(end);
    if (into.host.empty()) return refuse(400, "the target has no host");
    if (target.empty()) target = "/";
  }
  if (!target.starts_with('/')) return refuse(400, "the target is not a path");
  const std::size_t question = std::min(target.find('?'), target.size());
  // RFC 3986 §2.4: split before decoding, so that an escaped slash stays in its segment.
  for (const std::string_view each : split(target.substr(1, question - 1), '/'))
    into.segments.push_back(decode_percent(each));
  if (question < target.size()) into.query = parse_query(target.substr(question + 1));
  return {};
}

std::expected<void, refusal> parse_field(std::string_view line, request& into) {
  const std::size_t colon = line.find(':');
  if (line.starts_with(' ') || line.starts_with('\t')) return refuse(400, "a folded field");  // RFC 9112 §5.2
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return refuse(400, "a field without a name");
  const std::string_view value = trim(line.substr(colon + 1));
  if (std::ranges::any_of(value,
                          [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; }))
    return refuse(400, "a control character in a field");
  if (into.fields.size() >= max_fields) return refuse(431, "too many fields");
  into.fields.emplace_back(to_lower(line.substr(0, colon)), value);
  return {};
}

/// Applies the fields that concern the message itself: its host, its length and the connection.
std::expected<void, refusal> apply_fields(request& to) {
  unsigned hosts = 0;
  std::optional<std::string_view> length;
  to.keeps_alive = !to.is_1_0;
  for (const auto& [name, value] : to.fields) {
    if (name == "host") {
      if (++hosts > 1) return refuse(400, "two Host fields");
      if (to.host.empty()) to.host = value;
    } else if (name == "content-length") {
      if (length && *length != value) return refuse(400, "two different lengths");
      length = value;
    } else if (name == "transfer-encoding") {
      return refuse(501, "unsupported transfer encoding");  // no request here needs one
    } else if (name == "connection") {
      for (const std::string_view each : split(value, ',')) {
        const std::string option = to_lower(trim(each));
        if (option == "close") to.keeps_alive = false;
        if (option == "keep-alive" && to.is_1_0) to.keeps_alive = true;
      }
    } else if (name == "expect") {
      if (!equal_in_any_case(value, "100-continue")) return refuse(417, "unsupported expectation");
      to.expects_continue = !to.is_1_0;
    }
  }
  if (hosts == 0 && !to.is_1_0) return refuse(400, "no Host field");  // RFC 9112 §3.2
  if (!length) return {};
  const auto size = parse_integer<std::uint64_t>(*length);
  if (!size || !std::ranges::all_of(*length, is_digit)) return refuse(400, "the length is not a number");
  if (*size > max_body) return refuse(413, "the body is too large");
  to.body_size = static_cast<std::size_t>(*size);
  return {};
}

}  // namespace

std::optional<std::string_view> request::field(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &name_value::first);
  return found == fields.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

std::optional<std::string_view> request::parameter(std::string_view name) const noexcept {
  const auto found = std::ranges::find(query, name, &name_value::first);
  return found == query.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

std::optional<std::string> request::form_value(std::string_view name) const {
  const std::string type = to_lower(field("content-type").value_or(""));
  if (!type.starts_with("application/x-www-form-urlencoded")) return std::nullopt;
  for (auto& [each, value] : parse_query(body))
    if (each == name) return value;
  return std::nullopt;
}

std::vector<name_value> parse_query(std::string_view text) {
  std::vector<name_value> all;
  for (const std::string_view each : split(text, '&')) {
    if (each.empty()) continue;
    const std::size_t equals = std::min(each.find('='), each.size());
    all.emplace_back(decode_form(each.substr(0, equals)),
                     equals < each.size() ? decode_form(each.substr(equals + 1)) : std::string());
  }
  return all;
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::expected<request, refusal> parse_head(std::string_view head) {
  request made;
  std::size_t end = head.find("\r\n");
  if (end == std::string_view::npos) return refuse(400, "the request line has no end");
  const std::vector<std::string_view> parts = split(head.substr(0, end), ' ');
  head.remove_prefix(end + 2);
  if (parts.size() != 3) return refuse(400, "the request line does not have three parts");
  constexpr std::array<std::pair<std::string_view, method>, 4> methods{
      {{"GET", method::get}, {"HEAD", method::head}, {"POST", method::post}, {"DELETE", method::delete_}}};
  const auto known = std::ranges::find(methods, parts[0], &std::pair<std::string_view, method>::first);
  if (!is_token(parts[0])) return refuse(400, "the method is not a word");
  if (known == methods.end()) return refuse(501, "unknown method");
  made.method = known->second;
  if (parts[2] == "HTTP/1.0")
    made.is_1_0 = true;
  else if (!parts[2].starts_with("HTTP/1.") || parts[2].size() != 8 || !is_digit(parts[2][7]))
    return parts[2].starts_with("HTTP/") ? refuse(505, "unsupported version of HTTP") : refuse(400, "not HTTP");
  if (auto target = parse_target(parts[1], made); !target) return std::unexpected(target.error());
  while ((end = head.find("\r\n")) != std::string_view::npos && end > 0) {
    if (auto field = parse_field(head.substr(0, end), made); !field) return std::unexpected(field.error());
    head.remove_prefix(end + 2);
  }
  if (auto applied = apply_fields(made); !applied) return std::unexpected(applied.error());
  return made;
}

}  // namespace netlab::http
