// SPDX-License-Identifier: MIT
#include "scan/io/udp_sockets.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "scan/io/socket.hpp"
#include "scan/udp_prober.hpp"

namespace netlab::scan {
namespace {

constexpr int queue_octets = 4 << 20;  // for ICMP messages that arrive faster than they are read
constexpr std::uint16_t first_own_port = 1024;
constexpr std::uint16_t usual_own_port = 32'768;  // where the system's own choice begins, too
constexpr unsigned most_tries = 1000;             // ports may be in use

address any_address(bool is_v6) { return is_v6 ? address::v6({}) : address::v4(0); }

/// Binds to a port that is not scanned, if possible.
bool bind_beside(int fd, const address& to, const std::vector<bool>& is_asked) {
  unsigned tries = 0;
  for (std::size_t count = 0; count < is_asked.size() && tries < most_tries; ++count) {
    const auto port = static_cast<std::uint16_t>(usual_own_port + count);
    if (port < first_own_port || is_asked[port]) continue;
    ++tries;
    const socket_address end(to, port);
    if (::bind(fd, &end.any, end.size) == 0) return true;
    if (errno != EADDRINUSE) return false;
  }
  const socket_address end(to, 0);
  return ::bind(fd, &end.any, end.size) == 0;
}

result<udp_channel> open_one(udp_channel made, const address* source, const std::vector<bool>* is_asked) {
  made.fd = net::unique_fd(::socket(made.is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.fd) return fail(last_system_error(), "open a UDP socket");
  const int fd = made.fd.get();
  net::want_error_queue(fd, made.is_v6);
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue_octets, sizeof queue_octets));
  // Otherwise it would receive what is sent to its port over IPv4.
  const int on = 1;
  if (made.is_v6) static_cast<void>(::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
  const address here = source != nullptr ? *source : any_address(made.is_v6);
  const socket_address any_port(here, 0);
  const bool is_bound = is_asked != nullptr ? bind_beside(fd, here, *is_asked)
                                            : source == nullptr || ::bind(fd, &any_port.any, any_port.size) == 0;
  if (!is_bound) return fail(last_system_error(), "bind to " + to_string(here));
  if (const auto end = local_end_of(fd)) made.port = end->port();
  return made;
}

}  // namespace

result<std::vector<udp_channel>> open_udp_sockets(const udp_sockets_options& options, poller& on,
                                                  unsigned engine_number) {
  std::vector<bool> is_asked(65'536);
  for (const std::span<const std::uint16_t> ports : {options.ports, udp_prober::outside_ports()})
    for (const std::uint16_t port : ports) is_asked[port] = true;
  std::vector<udp_channel> all;
  const auto add = [&](bool is_v6, std::size_t number, const address* source) -> result<void> {
    for (const bool any_port : {false, true}) {
      if (any_port && (!options.with_any_port || number > 0)) continue;
      auto made = open_one({.is_v6 = is_v6, .source = number, .any_port = any_port}, source,
                           options.scans_itself ? &is_asked : nullptr);
      if (!made) {
        // A machine without IPv6 can still scan IPv4; a target of the missing family fails later.
        const std::error_code code = made.error().code;
        const bool is_missing = code == std::errc::address_family_not_supported ||
                                (source == nullptr && code == std::errc::address_not_available);
        return is_missing ? result<void>() : unexpected(made.error());
      }
      if (!on.add(made->fd.get(), EPOLLIN, engine_number, all.size()))
        return fail(last_system_error(), "watch a socket");
      all.push_back(std::move(*made));
    }
    return {};
  };
  for (const bool is_v6 : {false, true}) {
    std::size_t number = 0;
    for (const address& each : options.sources)
      if (each.is_v6 == is_v6)
        if (auto added = add(is_v6, number++, &each); !added) return unexpected(added.error());
    if (number == 0)
      if (auto added = add(is_v6, 0, nullptr); !added) return unexpected(added.error());
  }
  return all;
}

}  // namespace netlab::scan
