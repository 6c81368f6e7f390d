// SPDX-License-Identifier: MIT
#include "serve/listen.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::serve {
namespace {

// A port that is free for one socket may be taken for the next (free for TCP, used for UDP), so try this many ports.
constexpr int free_port_attempts = 64;

// Datagrams wait here while a worker is busy; the kernel limits it (net.core.rmem_max).
constexpr int receive_buffer_octets = 4 * 1024 * 1024;

bool set_option(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

failure explain(std::error_code code, net::transport protocol, const asio::ip::address& address, std::uint16_t port,
                std::string_view option) {
  failure why{code, fmt::format("listen {} {}", net::name_of(protocol), net::to_string(address, port)), {}, {}};
  if (code == std::errc::address_in_use) {
    why.hint = fmt::format("netlab sockets --listen --port {} shows which process uses it; {} 0 takes any free port",
                           port, option);
  } else if (code == std::errc::permission_denied) {
    why.hint = fmt::format("ports below 1024 need root or CAP_NET_BIND_SERVICE; try {} {}", option, port + 10000);
  } else if (code == std::errc::address_not_available) {
    why.detail = "not an address of this machine";
    why.hint = "`ip address` lists them";
  }
  return why;
}

result<std::uint16_t> port_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return fail(last_system_error(), "getsockname");
  // sin_port and sin6_port have the same offset (RFC 3493 §3.3; so on Linux).
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

// The first socket of an address binds and listens without SO_REUSEPORT, so that this fails if any other process uses
// the port, and allows sharing only afterwards. (Bound sockets with SO_REUSEADDR that do not listen yet would not
// exclude each other.) With SO_REUSEPORT from the start, a second server of the same user would silently get half of
// the first one's peers.
result<net::unique_fd> open_socket(net::transport protocol, const asio::ip::address& address, std::uint16_t port,
                                   bool is_first, bool shared, std::string_view option) {
  const bool is_tcp = protocol == net::transport::tcp;
  net::unique_fd fd(::socket(address.is_v6() ? AF_INET6 : AF_INET,
                             (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto failed = [&] { return unexpected(explain(last_system_error(), protocol, address, port, option)); };
  if (!fd) return failed();
  if (address.is_v6() && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) return failed();
  // With TCP, this lets a restarted server bind despite its old connections; with UDP, it would share the port.
  if (is_tcp && !set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failed();
  if (shared && !is_first && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return failed();
  const net::tcp::endpoint local(address, port);
  if (::bind(fd.get(), local.data(), static_cast<socklen_t>(local.size())) != 0) return failed();
  if (is_tcp) {
    if (::listen(fd.get(), SOMAXCONN) != 0) return failed();
  } else {
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer_octets);
    // A wildcard socket must know which address a datagram was sent to, to answer from there. Other sockets
    // answer from their own address, and without the option each datagram costs less.
    if (address.is_unspecified() && !set_option(fd.get(), address.is_v6() ? IPPROTO_IPV6 : IPPROTO_IP,
                                                address.is_v6() ? IPV6_RECVPKTINFO : IP_PKTINFO, 1))
      return failed();
  }
  if (shared && is_first && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return failed();
  return fd;
}

result<bound> open_address(net::transport protocol, const asio::ip::address& address, std::uint16_t port,
                           const listen_options& options) {
  const unsigned sockets = options.sockets_each;
  bound opened{.protocol = protocol, .address = address, .port = port, .sockets = {}};
  for (unsigned index = 0; index < sockets; ++index) {
    auto fd = open_socket(protocol, address, opened.port, index == 0, sockets > 1, options.port_option);
    if (!fd) return unexpected(fd.error());
    if (opened.port == 0) {
      const auto taken = port_of(fd->get());
      if (!taken) return unexpected(taken.error());
      opened.port = *taken;
    }
    opened.sockets.push_back(std::move(*fd));
  }
  return opened;
}

result<std::vector<bound>> open_all(const listen_options& options, const std::vector<asio::ip::address>& addresses,
                                    bool skip_missing) {
  std::vector<bound> opened;
  std::uint16_t port = options.port;
  std::optional<failure> missing;
  for (const net::transport protocol : {net::transport::tcp, net::transport::udp}) {
    if (!(protocol == net::transport::tcp ? options.tcp : options.udp)) continue;
    for (const asio::ip::address& address : addresses) {
      auto one = open_address(protocol, address, port, options);
      if (!one) {
        const std::error_code code = one.error().code;
        if (skip_missing &&
            (code == std::errc::address_not_available || code == std::errc::address_family_not_supported)) {
          missing = std::move(one.error());
          continue;
        }
        return unexpected(one.error());
      }
      port = one->port;
      opened.push_back(std::move(*one));
    }
  }
  if (opened.empty() && missing) return unexpected(std::move(*missing));
  return opened;
}

}  // namespace

result<std::vector<asio::ip::address>> parse_bind(std::string_view text) {
  if (text == "any") return std::vector<asio::ip::address>{asio::ip::address_v4::any(), asio::ip::address_v6::any()};
  std::string_view bare = text;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  if (const auto address = net::parse_address(bare)) {
    if (auto whole = net::check_interface(*address); !whole) return unexpected(whole.error());
    return std::vector<asio::ip::address>{*address};
  }
  return fail(errc::usage, fmt::format("bind address '{}' is not an IP address", escape(text, 80)),
              "write 192.0.2.1, ::1 or any");
}

bool may_bind(std::uint16_t port) {
  const net::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return true;  // let listen() report it
  const net::tcp::endpoint local(asio::ip::address_v4::loopback(), port);
  return ::bind(fd.get(), local.data(), static_cast<socklen_t>(local.size())) == 0 ||
         (errno != EACCES && errno != EPERM);
}

result<std::vector<bound>> listen(const listen_options& options) {
  std::vector<asio::ip::address> addresses = options.addresses;
  // A machine without IPv6 can still serve; a missing family is an error only if the user named its address.
  bool skip_missing = addresses.empty();
  if (addresses.empty()) addresses = {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  if (std::all_of(addresses.begin(), addresses.end(), [](const auto& each) { return each.is_unspecified(); }))
    skip_missing = addresses.size() > 1;
  std::erase_if(addresses, [&](const auto& each) { return !net::in_family(each, options.restrict_to); });
  if (addresses.empty()) return fail(errc::usage, "no address left to listen on", "-4 and -6 restrict --bind");
  // A wildcard address conflicts with other addresses of its family, and includes them.
  const auto is_covered = [&](const asio::ip::address& address) {
    return !address.is_unspecified() && std::any_of(addresses.begin(), addresses.end(), [&](const auto& other) {
      return other.is_unspecified() && other.is_v6() == address.is_v6();
    });
  };
  std::vector<asio::ip::address> distinct;
  for (const auto& each : addresses)
    if (std::find(distinct.begin(), distinct.end(), each) == distinct.end() && !is_covered(each))
      distinct.push_back(each);

  for (int attempt = 1;; ++attempt) {
    auto opened = open_all(options, distinct, skip_missing);
    if (opened || options.port != 0 || attempt == free_port_attempts ||
        opened.error().code != std::errc::address_in_use)
      return opened;
  }
}

}  // namespace netlab::serve
