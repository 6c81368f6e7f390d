// SPDX-License-Identifier: MIT
#include "calc/io/segmentation.hpp"

#include <netinet/udp.h>

#include <cstdint>
#include <cstring>

namespace netlab::calc {

void accept_segments(int socket) noexcept {
  const int on = 1;
  ::setsockopt(socket, SOL_UDP, UDP_GRO, &on, sizeof on);
}

std::size_t segment_size(const msghdr& received) noexcept {
  auto* message = const_cast<msghdr*>(&received);  // CMSG_NXTHDR wants it so
  for (cmsghdr* each = CMSG_FIRSTHDR(message); each != nullptr; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level != SOL_UDP || each->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(each), sizeof size);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

void set_segment_size(msghdr& message, std::size_t size) noexcept {
  const auto number = static_cast<std::uint16_t>(size);
  auto* added = reinterpret_cast<cmsghdr*>(static_cast<std::byte*>(message.msg_control) + message.msg_controllen);
  *added = {.cmsg_len = CMSG_LEN(sizeof number), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
  std::memcpy(CMSG_DATA(added), &number, sizeof number);
  message.msg_controllen += CMSG_SPACE(sizeof number);
}

void remove_segment_size(msghdr& message) noexcept { message.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t)); }

}  // namespace netlab::calc
