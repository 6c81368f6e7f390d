// SPDX-License-Identifier: MIT
#include "scan/io/route_lookup.hpp"

#include <linux/netlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace netlab::scan {
namespace {

// The kernel fills at most 32 KiB of a table at a time (af_netlink.c).
constexpr std::size_t answer_size = std::size_t{64} * 1024;

/// Receives one datagram of the kernel.
result<bytes_view> receive_answer(int socket, bytes& buffer) {
  buffer.resize(answer_size);
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(last_system_error(), "read the routing tables");
    return bytes_view(buffer).first(static_cast<std::size_t>(size));
  }
}

}  // namespace

result<route_lookup> route_lookup::make() {
  route_lookup made;
  made.socket_ = net::unique_fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  made.control_ = net::unique_fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made.socket_ || !made.control_) return fail(last_system_error(), "ask for routes");
  if (auto read = made.read_tables(); !read) return unexpected(read.error());
  return made;
}

result<void> route_lookup::read_tables() {
  table_part all;
  bytes buffer;
  for (const table_kind kind : {table_kind::routes, table_kind::rules, table_kind::neighbours})
    for (const bool is_v6 : {false, true}) {
      const bytes request = make_table_request(kind, is_v6, ++sequence_);
      if (::send(socket_.get(), request.data(), request.size(), 0) < 0)
        return fail(last_system_error(), "read the routing tables");
      all.is_last = false;
      while (!all.is_last) {
        const auto answer = receive_answer(socket_.get(), buffer);
        if (!answer) return unexpected(answer.error());
        if (auto good = parse_table(*answer, sequence_, all); !good) {
          // A kernel without IPv6 or without policy rules has no such table.
          const std::error_code code = good.error().code;
          if (code != std::errc::operation_not_supported && code != std::errc::address_family_not_supported)
            return good;
          break;
        }
      }
    }
  intervals_ = route_intervals(all.prefixes);
  neighbours_ = std::move(all.neighbours);
  return {};
}

result<route> route_lookup::ask(const address& to, const std::optional<address>& from) {
  const bytes request = make_route_request(to, from, ++sequence_);
  if (::send(socket_.get(), request.data(), request.size(), 0) < 0) return fail(last_system_error(), "ask for a route");
  bytes buffer;
  const auto answer = receive_answer(socket_.get(), buffer);
  if (!answer) return unexpected(answer.error());
  return parse_route(*answer, sequence_);
}

const route& route_lookup::find(const address& to, const std::optional<address>& from) {
  const key wanted{intervals_.of(to), to.scope, from};
  if (last_ != nullptr && last_->first == wanted) return last_->second;
  auto at = routes_.find(wanted);
  if (at == routes_.end()) {
    auto found = ask(to, from);
    route made = found ? *found : route{.system_error = EIO, .gateway = {}, .source = {}};
    at = routes_.emplace(wanted, made).first;
  }
  last_ = &*at;
  return at->second;
}

link_info route_lookup::look(std::uint32_t interface) const {
  link_info found;
  ifreq request{};
  request.ifr_ifindex = static_cast<int>(interface);
  if (::ioctl(control_.get(), SIOCGIFNAME, &request) != 0) return found;
  if (::ioctl(control_.get(), SIOCGIFFLAGS, &request) != 0) return found;
  const auto flags = static_cast<unsigned>(request.ifr_flags);
  found.is_up = (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
  const bool has_arp = (flags & (IFF_NOARP | IFF_LOOPBACK | IFF_POINTOPOINT)) == 0;
  if (::ioctl(control_.get(), SIOCGIFHWADDR, &request) != 0) return found;
  found.has_mac = has_arp && request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
  std::memcpy(found.mac.data(), request.ifr_hwaddr.sa_data, found.mac.size());
  return found;
}

const link_info& route_lookup::link_of(std::uint32_t interface) {
  const auto [at, is_new] = links_.try_emplace(interface);
  if (is_new) at->second = look(interface);
  return at->second;
}

std::vector<std::uint32_t> route_lookup::refresh_links() {
  std::vector<std::uint32_t> went_down;
  bool has_changed = false;
  for (auto& [interface, known] : links_) {
    const link_info now = look(interface);
    if (known.is_up && !now.is_up) went_down.push_back(interface);
    has_changed = has_changed || known.is_up != now.is_up || known.mac != now.mac;
    known = now;
  }
  if (has_changed) {
    routes_.clear();
    last_ = nullptr;
  }
  return went_down;
}

}  // namespace netlab::scan
