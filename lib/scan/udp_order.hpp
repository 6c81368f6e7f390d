// SPDX-License-Identifier: MIT
// The order in which a UDP scan asks hosts and their ports, and what belongs to one part of it. Nothing is stored.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scan/order.hpp"
#include "scan/shard.hpp"

namespace netlab::scan {

/// The order in which a part of a UDP scan asks its hosts and ports. A host limits its ICMP errors for each address
/// that asks, and several parts may run on one machine. A part therefore gets whole hosts, so that no two parts share a
/// limit. Only if there are more parts than hosts, the ports of each host are divided.
class udp_order {
 public:
  udp_order(std::uint64_t targets, std::uint64_t ports, std::uint64_t seed, const shard& part)
      : targets_(targets),
        ports_(ports),
        seed_(seed),
        part_(part),
        by_host_(targets >= part.count),
        host_order_(std::max<std::uint64_t>(1, targets), seed) {}

  /// The number of hosts with a port of the part.
  [[nodiscard]] std::uint64_t hosts() const noexcept {
    return ports_ == 0 ? 0 : by_host_ ? part_.size_of(targets_) : targets_;
  }
  /// The target at this position, below hosts().
  [[nodiscard]] std::uint64_t host(std::uint64_t position) const noexcept {
    return host_order_(by_host_ ? part_.place(position) : position);
  }
  /// The ports of a host, as places in the list of ports, in the order in which they are asked. May be empty if the
  /// ports are divided.
  [[nodiscard]] std::vector<std::uint64_t> ports_of(std::uint64_t target) const {
    const permutation order(ports_, seed_ + target);
    std::vector<std::uint64_t> places;
    places.reserve(by_host_ ? ports_ : ports_ / part_.count + 1);
    for (std::uint64_t place = 0; place < ports_; ++place)
      if (has(target, place)) places.push_back(order(place));
    return places;
  }
  /// The number of these ports.
  [[nodiscard]] std::uint64_t count_of(std::uint64_t target) const noexcept {
    if (by_host_) return ports_;
    const std::uint64_t first = (part_.index - 1 + part_.count - target % part_.count) % part_.count;
    return first < ports_ ? (ports_ - first - 1) / part_.count + 1 : 0;
  }
  /// The number of probes, without repetitions.
  [[nodiscard]] std::uint64_t size() const noexcept {
    if (by_host_) return hosts() * ports_;
    std::uint64_t all = 0;
    for (std::uint64_t target = 0; target < targets_; ++target) all += count_of(target);
    return all;
  }

 private:
  // The first port of each host goes to another part than that of the host before.
  [[nodiscard]] bool has(std::uint64_t target, std::uint64_t place) const noexcept {
    return by_host_ || part_.has(target + place);
  }

  std::uint64_t targets_;
  std::uint64_t ports_;
  std::uint64_t seed_;
  shard part_;
  bool by_host_;
  permutation host_order_;
};

}  // namespace netlab::scan
