// SPDX-License-Identifier: MIT
#include "net/endpoint.hpp"

#include <net/if.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/services.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace netlab::net {
namespace {

// RFC 1035 §2.3.4 allows a name 255 octets on the wire; a scoped IPv6 address is shorter.
constexpr std::size_t max_host_length = 255;

bool is_host(std::string_view text) noexcept {
  return text.size() <= max_host_length && std::all_of(text.begin(), text.end(), [](char c) {
           const auto octet = static_cast<unsigned char>(c);
           return octet > 0x20 && octet != 0x7f && c != '[' && c != ']' && c != '/' && c != '@';
         });
}

result<std::uint16_t> parse_port_from(std::uint16_t least, std::string_view text) {
  const auto port = parse_port_or_service(text);
  if (port && *port >= least) return *port;
  const std::string shown = escape(text, 80);
  if (parse_integer<std::int64_t>(text))
    return fail(errc::usage, fmt::format("port '{}' does not exist", shown),
                fmt::format("a port is {} to 65535", std::max<std::uint16_t>(least, 1)));
  return fail(errc::usage,
              fmt::format("port '{}' is neither a number from {} to 65535 nor the name of a service", shown, least));
}

/// People paste URLs from browsers.
unexpected<failure> refuse_url(const url& pasted, std::string_view text) {
  return fail(errc::usage, fmt::format("'{}' is a URL", escape(text, 80)),
              pasted.host.empty() ? "write HOST:PORT" : fmt::format("write {}", escape(pasted.endpoint(), 80)));
}

}  // namespace

std::string_view name_of(transport which) noexcept { return which == transport::tcp ? "tcp" : "udp"; }

result<std::uint16_t> parse_port(std::string_view text) { return parse_port_from(0, text); }

result<std::uint16_t> parse_remote_port(std::string_view text) { return parse_port_from(1, text); }

std::uint32_t interface_number(const std::string& name) { return ::if_nametoindex(name.c_str()); }

asio::ip::address to_asio(const ip_address& from) {
  if (!from.is_v6) return asio::ip::address_v4(static_cast<asio::ip::address_v4::uint_type>(from.low));
  return asio::ip::address_v6(from.octets(), from.scope);
}

ip_address to_ip(const asio::ip::address& from) {
  if (from.is_v4()) return ip_address::v4(from.to_v4().to_uint());
  const asio::ip::address_v6 six = from.to_v6();
  return ip_address::v6(six.to_bytes(), static_cast<std::uint32_t>(six.scope_id()));
}

std::optional<asio::ip::address> parse_address(std::string_view text) {
  const auto found = parse_ip(text, interface_number);
  return found ? std::optional(to_asio(*found)) : std::nullopt;
}

result<void> check_interface(const asio::ip::address& address) { return netlab::check_interface(to_ip(address)); }

result<host_port> parse_host_port(std::string_view text) {
  if (const auto pasted = parse_url(text)) return refuse_url(*pasted, text);
  const auto bad = [&](std::string_view why) {
    return fail(errc::usage, fmt::format("endpoint '{}' {}", escape(text, 80), why), "write host:port or [::1]:port");
  };
  host_port parsed;
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad("lacks the closing ]");
    host = text.substr(1, close - 1);
    const auto address = parse_address(host);
    if (!address || !address->is_v6()) return bad("has no IPv6 address in its brackets");
    const std::string_view after = text.substr(close + 1);
    if (!after.empty()) {
      if (!after.starts_with(':')) return bad("has something other than :port after the ]");
      has_port = true;
      port = after.substr(1);
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  } else if (text.find(':') != std::string_view::npos && !parse_address(text)) {
    return bad("is not an IP address, and has more than one colon");
  }
  if (!is_host(host)) return bad("contains characters that are not allowed in a host name");
  if (has_port) {
    const auto number = parse_port(port);
    if (!number) return unexpected(number.error());
    parsed.port = *number;
  }
  parsed.host = host;
  return parsed;
}

result<std::string> parse_host(std::string_view text, std::string_view port_cure) {
  if (auto pasted = parse_url(text)) {
    pasted->port.reset();
    return refuse_url(*pasted, text);
  }
  std::string_view bare = text;
  // Endpoints have IPv6 addresses in brackets, so people write brackets here, too.
  if (bare.size() > 2 && bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  if (bare.empty()) return fail(errc::usage, "the host is empty", "a name or an address");
  if (const auto address = parse_address(bare)) {
    if (auto whole = check_interface(*address); !whole) return unexpected(whole.error());
    return std::string(bare);
  }
  if (text.find("]:") != std::string_view::npos || std::count(text.begin(), text.end(), ':') == 1)
    return fail(errc::usage, fmt::format("'{}' has a port", escape(text, 80)), std::string(port_cure));
  return std::string(bare);
}

std::string to_string(const asio::ip::address& address, std::uint16_t port) {
  return to_string(address.to_string(), port);
}

std::string to_string(std::string_view host, std::uint16_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                  : fmt::format("[{}]:{}", host, port);
}

std::string address_literal(const asio::ip::address& address) {
  if (address.is_v4()) return fmt::format("[{}]", address.to_string());
  auto v6 = address.to_v6();
  v6.scope_id(0);
  return fmt::format("[IPv6:{}]", v6.to_string());
}

failure with_context(failure why, std::string_view host, std::uint16_t port) {
  if (why.context.empty()) why.context = to_string(host, port);
  return why;
}

}  // namespace netlab::net
