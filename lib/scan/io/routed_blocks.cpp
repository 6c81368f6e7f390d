// SPDX-License-Identifier: MIT
#include "scan/io/routed_blocks.hpp"

#include <algorithm>
#include <utility>

namespace netlab::scan {

result<std::vector<special_part>> routed_blocks::in(const address_range& range) {
  std::vector<special_part> routed;
  for (const special_part& each : special_parts(range)) {
    if (!routes_) {
      auto made = route_lookup::make();
      if (!made) return unexpected(made.error());
      routes_ = *std::move(made);
    }
    bool was_routed = false;
    for (address at = each.range.first;;) {
      const address end = std::min(each.range.last, routes_->last_like(at).value_or(each.range.last));
      const route& there = routes_->find(at, std::nullopt);
      const bool is_routed = there.type == route::kind::direct && there.gateway.has_value();
      if (is_routed && was_routed)
        routed.back().range.last = end;
      else if (is_routed)
        routed.push_back({{at, end}, each.block});
      was_routed = is_routed;
      if (end == each.range.last) break;
      at = end.plus(1);
    }
  }
  return routed;
}

}  // namespace netlab::scan
