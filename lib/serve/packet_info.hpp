// SPDX-License-Identifier: MIT
// The local address of a datagram, in ancillary data.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>

namespace netlab::serve {

/// Turns the destination that recvmsg() reported into the source for sendmsg(). Both use the same structure (ip(7),
/// ipv6(7)), except that IPv4 has the address in another member. The interface is kept only for link-local addresses;
/// otherwise the routing table decides. Returns the octets of the message that are used; 0 if it is of another kind.
inline std::size_t turn_into_source(cmsghdr& control) noexcept {
  if (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_PKTINFO) {
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(&control), sizeof info);
    info.ipi_ifindex = 0;
    info.ipi_addr = {};
    std::memcpy(CMSG_DATA(&control), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  if (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(&control), sizeof info);
    if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
    std::memcpy(CMSG_DATA(&control), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  return 0;
}

}  // namespace netlab::serve
