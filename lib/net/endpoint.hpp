// SPDX-License-Identifier: MIT
// Hosts, ports and address families as people write them, and addresses as netlab prints them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::net {

enum class transport : std::uint8_t { tcp, udp };
[[nodiscard]] std::string_view name_of(transport which) noexcept;

enum class family : std::uint8_t { any, ipv4, ipv6 };

/// The most octets in a UDP datagram over IPv4: 65,535 less both headers (RFC 768, RFC 791).
inline constexpr std::size_t max_datagram = 65'507;

/// A host (name or address, without brackets) and an optional port.
struct host_port {
  std::string host;
  std::optional<std::uint16_t> port;
};

/// Parses `host`, `host:port`, `192.0.2.1:25`, `[::1]:25`, `[::1]`, `::1`, `:25` (empty host). Does not check whether
/// the name exists. Fails with errc::usage.
[[nodiscard]] result<host_port> parse_host_port(std::string_view text);

/// Parses a host without a port: a name or an address, whose brackets are removed. Does not check whether it exists.
/// Fails with errc::usage if it is empty, has a port, or fails check_interface(). `port_cure`: tells the user where the
/// port belongs.
[[nodiscard]] result<std::string> parse_host(std::string_view text,
                                             std::string_view port_cure = "give the port with --port");

/// A number from 0 or the name of a registered service: 4711, `smtp`. Fails with errc::usage.
[[nodiscard]] result<std::uint16_t> parse_port(std::string_view text);
/// The same for a port to connect to: from 1.
[[nodiscard]] result<std::uint16_t> parse_remote_port(std::string_view text);

/// The number of the interface with this name, or 0.
[[nodiscard]] std::uint32_t interface_number(const std::string& name);

[[nodiscard]] asio::ip::address to_asio(const ip_address& from);
[[nodiscard]] ip_address to_ip(const asio::ip::address& from);

/// parse_ip() with the names of this machine's interfaces.
[[nodiscard]] std::optional<asio::ip::address> parse_address(std::string_view text);

/// Fails with errc::usage if a link-local address has no interface (RFC 4007 §6): it could not be dialled or bound.
[[nodiscard]] result<void> check_interface(const asio::ip::address& address);

[[nodiscard]] inline bool in_family(const asio::ip::address& address, family which) noexcept {
  return which == family::any || address.is_v4() == (which == family::ipv4);
}

/// `127.0.0.1:50000`, `[::1]:50000`.
[[nodiscard]] std::string to_string(const asio::ip::address& address, std::uint16_t port);
template <class Protocol>
[[nodiscard]] std::string to_string(const asio::ip::basic_endpoint<Protocol>& endpoint) {
  return to_string(endpoint.address(), endpoint.port());
}

/// The same for a host that may be a name: `localhost:25`, `[::1]:25`.
[[nodiscard]] std::string to_string(std::string_view host, std::uint16_t port);

/// Both ends of a connected socket.
struct ends {
  std::string local;
  std::string remote;
};
template <class Socket>
[[nodiscard]] ends ends_of(const Socket& socket) {
  std::error_code ignored;
  return {to_string(socket.local_endpoint(ignored)), to_string(socket.remote_endpoint(ignored))};
}

/// The address where SMTP wants a host name (RFC 5321 §4.1.3): `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
[[nodiscard]] std::string address_literal(const asio::ip::address& address);

/// The failure with `HOST:PORT` as its context, unless it has one.
[[nodiscard]] failure with_context(failure why, std::string_view host, std::uint16_t port);

}  // namespace netlab::net
