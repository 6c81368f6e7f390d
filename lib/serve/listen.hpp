// SPDX-License-Identifier: MIT
// Opens listening sockets: several addresses, TCP and UDP on one port number, one socket per worker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/endpoint.hpp"
#include "net/fd.hpp"

namespace netlab::serve {

struct listen_options {
  std::vector<asio::ip::address> addresses;  ///< empty: loopback, of each family that this machine has
  net::family restrict_to = net::family::any;
  std::uint16_t port = 0;                    ///< 0: a free port, the same for all sockets
  bool tcp = true;
  bool udp = false;
  std::string_view port_option = "--port";   ///< name of the option in the failure's hint
  unsigned sockets_each = 1;                 ///< number of sockets that share an address (SO_REUSEPORT, socket(7))
};

struct bound {
  net::transport protocol = net::transport::tcp;
  asio::ip::address address;
  std::uint16_t port = 0;        ///< the actual port
  /// Non-blocking. TCP sockets listen; UDP sockets of a wildcard address report where each datagram was sent to
  /// (IP_PKTINFO, IPV6_RECVPKTINFO).
  std::vector<net::unique_fd> sockets;
};

/// `any` (both wildcard addresses) or an address. Fails with errc::usage.
[[nodiscard]] result<std::vector<asio::ip::address>> parse_bind(std::string_view text);

/// False if this process may not bind a port this low: privilege, ip_unprivileged_port_start (ip(7)).
[[nodiscard]] bool may_bind(std::uint16_t port);

/// Opens all sockets or none. An IPv6 wildcard socket takes IPv6 only, so that it can coexist with an IPv4 one. Fails
/// if any other socket uses an address, even one of another netlab process with SO_REUSEPORT. The failure names the
/// socket and has a hint: port in use, low port, not a local address.
[[nodiscard]] result<std::vector<bound>> listen(const listen_options& options);

}  // namespace netlab::serve
