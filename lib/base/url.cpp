// SPDX-License-Identifier: MIT
#include "base/url.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab {
namespace {

// RFC 3986 §3.1
bool is_scheme(std::string_view text) noexcept {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [&](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

}  // namespace

bool url::is_secure() const noexcept {
  return scheme.ends_with('s') && scheme != "dns" && scheme != "nfs" && scheme != "redis" && scheme != "ws";
}

std::string url::endpoint() const {
  const std::string shown = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return port ? fmt::format("{}:{}", shown, *port) : shown;
}

std::optional<url> parse_url(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return std::nullopt;
  url found{.scheme = to_lower(text.substr(0, mark)), .host = {}, .port = {}};
  if (!is_scheme(found.scheme)) return std::nullopt;
  std::string_view authority = text.substr(mark + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return found;
    found.host = authority.substr(1, close - 1);
    if (authority.substr(close + 1).starts_with(':')) port = authority.substr(close + 2);
  } else {
    const std::size_t colon = authority.find(':');
    found.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  if (const auto number = parse_integer<std::uint16_t>(port); number && *number != 0) found.port = *number;
  return found;
}

std::string decode_percent(std::string_view text) {
  std::string octets;
  octets.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto octet = text[at] == '%' ? decode_hex_pair(text.substr(at + 1)) : std::nullopt;
    octets += octet.value_or(text[at]);
    if (octet) at += 2;
  }
  return octets;
}

}  // namespace netlab
