// SPDX-License-Identifier: MIT
// Asks the kernel how it would send to an address: route, source address, interface (rtnetlink(7)).
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "scan/route_intervals.hpp"
#include "scan/rtnetlink.hpp"

namespace netlab::scan {

/// An interface as it was when it was asked for.
struct link_info {
  bool is_up = false;      ///< also connected
  bool has_mac = false;    ///< Ethernet, VLAN, and the like; hosts on it are found by ARP or ND
  mac_address mac{};
};

class route_lookup {
 public:
  /// Reads the routing tables' prefixes and the known neighbours. Fails with the system's error.
  [[nodiscard]] static result<route_lookup> make();

  /// The route to an address with this source address, if any. Asks the kernel once for all addresses that certainly
  /// have the same route. The result is valid until the next call.
  [[nodiscard]] const route& find(const address& to, const std::optional<address>& from);
  /// The last address after this one that certainly has the same route; none: the last one of its family.
  [[nodiscard]] std::optional<address> last_like(const address& to) const noexcept { return intervals_.last_like(to); }
  /// An interface; the result is valid until the next call of refresh_links().
  [[nodiscard]] const link_info& link_of(std::uint32_t interface);
  /// Looks at all interfaces that were asked for; returns those that are no longer up. The routes are asked for again
  /// after a change.
  [[nodiscard]] std::vector<std::uint32_t> refresh_links();

  [[nodiscard]] const std::vector<neighbour>& neighbours() const noexcept { return neighbours_; }

 private:
  struct key {
    std::size_t interval;
    std::uint32_t scope;
    std::optional<address> from;
    friend bool operator==(const key&, const key&) = default;
    friend auto operator<=>(const key&, const key&) = default;
  };
  [[nodiscard]] result<void> read_tables();
  [[nodiscard]] result<route> ask(const address& to, const std::optional<address>& from);
  [[nodiscard]] link_info look(std::uint32_t interface) const;

  net::unique_fd socket_;
  net::unique_fd control_;  // for ioctl(2) on interfaces
  std::uint32_t sequence_ = 0;
  route_intervals intervals_;
  std::vector<neighbour> neighbours_;
  std::map<key, route> routes_;
  const std::pair<const key, route>* last_ = nullptr;
  std::unordered_map<std::uint32_t, link_info> links_;
};

}  // namespace netlab::scan
