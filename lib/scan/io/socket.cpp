// SPDX-License-Identifier: MIT
#include "scan/io/socket.hpp"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/fd.hpp"

namespace netlab::scan {

socket_address::socket_address() noexcept : v6{}, size(sizeof v6) {}

socket_address::socket_address(const address& host, std::uint16_t port) noexcept : v6{} {
  const auto octets = host.octets();
  if (host.is_v6) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, octets.data(), sizeof v6.sin6_addr);
    v6.sin6_scope_id = host.scope;
    size = sizeof v6;
  } else {
    v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, octets.data(), sizeof v4.sin_addr);
    size = sizeof v4;
  }
}

socket_address::socket_address(const sockaddr_storage& from) noexcept : v6{} {
  if (from.ss_family == AF_INET) {
    std::memcpy(&v4, &from, sizeof v4);
    size = sizeof v4;
  } else if (from.ss_family == AF_INET6) {
    std::memcpy(&v6, &from, sizeof v6);
    size = sizeof v6;
  }
}

address socket_address::host() const noexcept {
  if (any.sa_family == AF_INET) return address::v4(ntohl(v4.sin_addr.s_addr));
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
  return address::v6(octets, v6.sin6_scope_id);
}

std::uint16_t socket_address::port() const noexcept {
  return ntohs(any.sa_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

std::optional<icmp_error> icmp_of(const net::queued_error& message) noexcept {
  if (!message.is_icmp()) return std::nullopt;
  icmp_error found{.is_v6 = message.from == net::queued_error::origin::icmpv6,
                   .type = message.type,
                   .code = message.code,
                   .system_error = message.system_error};
  if (const socket_address sender(message.sender); sender.size > 0) found.sender = sender.host();
  return found;
}

result<void> check_source(const address& source) {
  const net::unique_fd fd(::socket(source.is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const socket_address end(source, 0);
  if (!fd || ::bind(fd.get(), &end.any, end.size) != 0)
    return fail(last_system_error(), "bind to " + to_string(source), "--source takes addresses of this machine");
  return {};
}

std::string with_interface(const address& of) {
  std::array<char, IF_NAMESIZE> name{};
  if (of.scope == 0 || ::if_indextoname(of.scope, name.data()) == nullptr) return to_string(of);
  address bare = of;
  bare.scope = 0;
  return to_string(bare) + '%' + name.data();
}

bool has_local_address(const address& to, std::span<const address> sources) noexcept {
  constexpr std::uint16_t any_port = 9;  // discard; nothing is sent
  const socket_address end(to, any_port);
  // TCP ports in use do not matter to a datagram socket.
  const auto works_from = [&](const address* source) {
    const net::unique_fd fd(::socket(to.is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return true;  // unknown
    if (source != nullptr) {
      const socket_address here(*source, 0);
      if (::bind(fd.get(), &here.any, here.size) != 0) return errno != EADDRNOTAVAIL;
    }
    return ::connect(fd.get(), &end.any, end.size) == 0 || errno != EADDRNOTAVAIL;
  };
  bool has_source = false;
  for (const address& each : sources) {
    if (each.is_v6 != to.is_v6) continue;
    if (works_from(&each)) return true;
    has_source = true;
  }
  return !has_source && works_from(nullptr);
}

bool has_route(const address& to) noexcept {
  const net::unique_fd fd(::socket(to.is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  constexpr std::uint16_t any_port = 9;  // discard; nothing is sent
  const socket_address end(to, any_port);
  return !fd || ::connect(fd.get(), &end.any, end.size) == 0;
}

own_addresses::own_addresses() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return;
  are_known_ = true;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    socket_address one;
    if (each->ifa_addr->sa_family == AF_INET)
      std::memcpy(&one.v4, each->ifa_addr, sizeof one.v4);
    else if (each->ifa_addr->sa_family == AF_INET6)
      std::memcpy(&one.v6, each->ifa_addr, sizeof one.v6);
    else
      continue;
    all_.push_back(one.host());
  }
}

bool own_addresses::contains(const address& one) const noexcept {
  return one.is_loopback() ||
         std::any_of(all_.begin(), all_.end(), [&](const address& each) { return each.equals_without_scope(one); });
}

bool has_own_address(const target_set& targets) {
  if (targets.overlaps({address::v4(0x7f000000), address::v4(0x7fffffff)})) return true;
  const own_addresses own;
  return !own.are_known_ || std::any_of(own.all_.begin(), own.all_.end(),
                                        [&](const address& each) { return targets.overlaps({each, each}); });
}

std::string origin_of(const port_verdict& verdict, const address& target, const own_addresses& own) {
  constexpr std::string_view here = "local";
  if (verdict.is_local) return std::string(here);
  if (!verdict.sender) return {};
  if (!verdict.sender->equals_without_scope(target) && own.contains(*verdict.sender)) return std::string(here);
  return with_interface(*verdict.sender);
}

std::optional<socket_address> local_end_of(int fd) noexcept {
  socket_address end;
  if (::getsockname(fd, &end.any, &end.size) != 0) return std::nullopt;
  return end;
}

std::optional<socket_address> remote_end_of(int fd) noexcept {
  socket_address end;
  if (::getpeername(fd, &end.any, &end.size) != 0) return std::nullopt;
  return end;
}

}  // namespace netlab::scan
