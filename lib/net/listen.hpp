// SPDX-License-Identifier: MIT
// Sockets that wait for peers: several addresses, both transports on one port number, one socket a worker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/endpoint.hpp"
#include "net/fd.hpp"

namespace netlab::net {

struct listen_options {
  std::vector<asio::ip::address> addresses;  ///< none: loopback, of each family that this machine has
  family restrict_to = family::any;
  std::uint16_t port = 0;                    ///< 0: one free number, the same for all sockets
  bool tcp = true;
  bool udp = false;
  std::string_view port_option = "--port";   ///< what a failure's cure calls it
  unsigned sockets_each = 1;                 ///< how many share an address (SO_REUSEPORT, socket(7))
};

struct bound {
  transport protocol = transport::tcp;
  asio::ip::address address;
  std::uint16_t port = 0;        ///< the one really taken
  std::vector<unique_fd> sockets;  ///< non-blocking; TCP ones listen
};

/// `any` (both wildcard addresses) or an address. Fails with errc::usage.
[[nodiscard]] result<std::vector<asio::ip::address>> parse_bind(std::string_view text);

/// Whether the system lets this process have so low a port at all: privilege, ip_unprivileged_port_start (ip(7)).
[[nodiscard]] bool may_bind(std::uint16_t port);

/// Opens all of them or none. An IPv6 wildcard takes IPv6 only, so that it stands beside an IPv4 one.
/// No other socket may have an address, not even one of ours in another process that shares by
/// SO_REUSEPORT. The failure names the socket and says the cure: port in use, low port, not our address.
[[nodiscard]] result<std::vector<bound>> listen(const listen_options& options);

}  // namespace netlab::net
