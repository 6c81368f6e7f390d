// SPDX-License-Identifier: MIT
// Finds addresses that certainly have the same route. No socket.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "scan/rtnetlink.hpp"

namespace netlab::scan {

/// Cuts the address space at the ends of all prefixes of all routing tables and rules. Whatever table, metric or rule
/// the kernel chooses, it chooses the same for all addresses between two cuts: one request is enough for them.
class route_intervals {
 public:
  route_intervals() = default;
  explicit route_intervals(std::span<const prefix> prefixes) {
    for (const prefix& each : prefixes) {
      const unsigned width = each.first.is_v6 ? 128 : 32;
      if (each.bits > width) continue;
      cuts_.push_back(each.first);
      if (const auto end = after(each, width - each.bits)) cuts_.push_back(*end);
    }
    std::ranges::sort(cuts_);
    const auto rest = std::ranges::unique(cuts_);
    cuts_.erase(rest.begin(), rest.end());
    cuts_.shrink_to_fit();
  }

  /// The number of the interval of this address; its interface is not considered.
  [[nodiscard]] std::size_t of(address one) const noexcept {
    one.scope = 0;
    return static_cast<std::size_t>(std::ranges::upper_bound(cuts_, one) - cuts_.begin());
  }

  /// The last address of its interval; none: its interval ends with the family.
  [[nodiscard]] std::optional<address> last_like(address one) const noexcept {
    one.scope = 0;
    const auto next = std::ranges::upper_bound(cuts_, one);
    if (next == cuts_.end() || next->is_v6 != one.is_v6) return std::nullopt;
    return next->previous();
  }

 private:
  /// The first address after the prefix; none if it reaches to the end of the family.
  static std::optional<address> after(const prefix& of, unsigned host_bits) {
    address next = of.first;
    if (!next.is_v6) {
      const std::uint64_t low = next.low + (std::uint64_t{1} << host_bits);
      if (low > 0xffff'ffff) return std::nullopt;
      next.low = low;
      return next;
    }
    if (host_bits >= 64) {
      if (host_bits == 128) return std::nullopt;
      const std::uint64_t step = std::uint64_t{1} << (host_bits - 64);
      if (next.high > ~std::uint64_t{0} - step) return std::nullopt;
      next.high += step;
      return next;
    }
    const std::uint64_t step = std::uint64_t{1} << host_bits;
    const bool carries = next.low > ~std::uint64_t{0} - step;
    if (carries && next.high == ~std::uint64_t{0}) return std::nullopt;
    next.low += step;
    if (carries) ++next.high;
    return next;
  }

  std::vector<address> cuts_;  // ascending: IPv4 before IPv6
};

}  // namespace netlab::scan
