// SPDX-License-Identifier: MIT
#include "net/icmp.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace netlab::net {
namespace {

constexpr int max_tries = 64;  // of one datagram, each for the error of another

/// A message of the error queue: 0, where it is of no ICMP, else the errno that stands for it.
std::optional<int> take_one(int fd) noexcept {
  alignas(cmsghdr) std::array<char, 512> control{};
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    const bool is_error = (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) ||
                          (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(each), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    const auto code = static_cast<int>(error.ee_errno);
    // The rest has other names in each family: what a firewall forbids is EACCES in one and EHOSTUNREACH in the other.
    return code == ECONNREFUSED || code == ENETUNREACH || code == EMSGSIZE ? code : EHOSTUNREACH;
  }
  return 0;
}

}  // namespace

void want_icmp_errors(udp::socket& socket) {
  const int on = 1;
  std::error_code ignored;
  const bool is_v6 = socket.local_endpoint(ignored).address().is_v6();
  static_cast<void>(is_v6 ? ::setsockopt(socket.native_handle(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                          : ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_RECVERR, &on, sizeof on));
}

std::error_code take_icmp_error(udp::socket& socket) {
  int told = 0;
  while (const auto code = take_one(socket.native_handle()))
    if (*code != 0 && told != ECONNREFUSED) told = *code;
  return {told, std::system_category()};
}

std::error_code send_past_icmp(udp::socket& socket, asio::const_buffer datagram, std::error_code& told) {
  std::error_code error;
  for (int tried = 0; tried < max_tries; ++tried) {
    socket.send(datagram, 0, error);
    if (!error) break;
    const std::error_code queued = take_icmp_error(socket);
    if (!queued) break;
    told = queued;
  }
  return error;
}

}  // namespace netlab::net
