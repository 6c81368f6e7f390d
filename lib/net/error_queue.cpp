// SPDX-License-Identifier: MIT
#include "net/error_queue.hpp"

#include <time.h>  // <linux/errqueue.h> needs it first

#include <linux/errqueue.h>

#include <array>
#include <cstring>

namespace netlab::net {
namespace {

// Room for sock_extended_err with the sender's address, and for other control messages that the socket may have
// enabled.
constexpr std::size_t error_control_size = 512;

queued_error::origin origin_of(std::uint8_t number) noexcept {
  switch (number) {
    case SO_EE_ORIGIN_LOCAL: return queued_error::origin::local;
    case SO_EE_ORIGIN_ICMP: return queued_error::origin::icmp;
    case SO_EE_ORIGIN_ICMP6: return queued_error::origin::icmpv6;
    default: return queued_error::origin::other;
  }
}

void read_error(const cmsghdr& about, queued_error& into) noexcept {
  sock_extended_err error{};
  std::memcpy(&error, CMSG_DATA(&about), sizeof error);
  into.from = origin_of(error.ee_origin);
  into.type = error.ee_type;
  into.code = error.ee_code;
  into.system_error = static_cast<int>(error.ee_errno);
  const std::size_t size_after_error = about.cmsg_len - CMSG_LEN(sizeof error);
  const std::size_t size = about.cmsg_level == IPPROTO_IP ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (into.is_icmp() && size_after_error >= size) std::memcpy(&into.sender, CMSG_DATA(&about) + sizeof error, size);
}

}  // namespace

void want_error_queue(int fd, bool is_v6) noexcept {
  const int on = 1;
  if (is_v6)
    static_cast<void>(::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on));
  else
    static_cast<void>(::setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on));
}

std::optional<queued_error> take_queued_error(int fd) noexcept {
  queued_error found;
  alignas(cmsghdr) std::array<char, error_control_size> control{};
  std::array<char, 1> octet{};  // the packet's own octets are discarded
  iovec data{octet.data(), octet.size()};
  msghdr message{};
  message.msg_name = &found.to;
  message.msg_namelen = sizeof found.to;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  // With an empty queue, qemu-user's recvmsg() returns 0, where Linux fails with EAGAIN.
  if ((message.msg_flags & MSG_ERRQUEUE) == 0) return std::nullopt;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each))
    if ((each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) ||
        (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR))
      read_error(*each, found);
  return found;
}

}  // namespace netlab::net
