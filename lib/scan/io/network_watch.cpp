// SPDX-License-Identifier: MIT
#include "scan/io/network_watch.hpp"

#include <ifaddrs.h>
#include <net/if.h>

#include <cstring>
#include <memory>

#include "scan/io/socket.hpp"

namespace netlab::scan {
namespace {

constexpr duration look_pause = std::chrono::milliseconds(100);

std::set<std::string> look() {
  std::set<std::string> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    std::string one = each->ifa_name;
    one += (each->ifa_flags & IFF_UP) != 0 ? " up" : " down";
    if ((each->ifa_flags & IFF_RUNNING) != 0) one += " running";
    if (each->ifa_addr != nullptr && (each->ifa_addr->sa_family == AF_INET || each->ifa_addr->sa_family == AF_INET6)) {
      sockaddr_storage end{};
      std::memcpy(&end, each->ifa_addr,
                  each->ifa_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
      one += ' ' + to_string(socket_address(end).host());
    }
    found.insert(std::move(one));
  }
  return found;
}

}  // namespace

network_watch::network_watch() : first_(look()) {}

bool network_watch::has_changed(time_point now) {
  if (has_changed_ || now < next_look_) return has_changed_;
  next_look_ = now + look_pause;
  has_changed_ = look() != first_;
  return has_changed_;
}

}  // namespace netlab::scan
