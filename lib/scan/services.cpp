// SPDX-License-Identifier: MIT
#include "scan/services.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/services.hpp"

namespace netlab::scan {
service_names::service_names(const std::vector<registered_service>& services) {
  std::map<std::pair<transport, std::uint16_t>, std::string_view> first;  // the first name of each port
  for (const registered_service& one : services)
    first.try_emplace({one.is_udp ? transport::udp : transport::tcp, one.port}, one.name);
  entries_.reserve(first.size());
  for (const auto& [key, name] : first) entries_.push_back({key.first, key.second, std::string(name)});
}

service_names service_names::parse(std::string_view text) { return service_names(parse_services(text)); }

service_names service_names::read(const std::string& path) { return service_names(read_services(path)); }

std::string_view service_names::find(transport protocol, std::uint16_t port) const noexcept {
  const auto key = [](const entry& of) { return std::tuple(of.protocol, of.port); };
  const auto at = std::ranges::lower_bound(entries_, std::tuple(protocol, port), {}, key);
  if (at == entries_.end() || at->protocol != protocol || at->port != port) return {};
  return at->name;
}

std::vector<std::uint16_t> service_names::ports(transport protocol) const {
  std::vector<std::uint16_t> found;
  for (const entry& one : entries_)
    if (one.protocol == protocol) found.push_back(one.port);
  return found;
}

}  // namespace netlab::scan
