// SPDX-License-Identifier: MIT
// Kept apart from sources that include Asio: <netinet/tcp.h> has a shorter tcp_info with the same name.
#include "lab/tour/segments.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace netlab::lab {

std::optional<segments> segments_of(int socket) noexcept {
  tcp_info about{};
  socklen_t size = sizeof about;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &about, &size) != 0) return std::nullopt;
  if (size < offsetof(tcp_info, tcpi_data_segs_out) + sizeof about.tcpi_data_segs_out) return std::nullopt;
  return segments{.out = about.tcpi_segs_out,
                  .in = about.tcpi_segs_in,
                  .data_out = about.tcpi_data_segs_out,
                  .data_in = about.tcpi_data_segs_in,
                  .state = static_cast<sockets::state>(about.tcpi_state)};
}

}  // namespace netlab::lab
