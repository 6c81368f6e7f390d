// SPDX-License-Identifier: MIT
// Finds addresses of special-purpose blocks that are reached through a router: it is unknown whose they are there.
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "scan/io/route_lookup.hpp"
#include "scan/special_purpose.hpp"

namespace netlab::scan {

/// Reads the routing tables when it is first needed.
class routed_blocks {
 public:
  /// The special_parts() of the range that this machine reaches through a gateway: without its own addresses, directly
  /// connected ones, and those without a route. Ascending. Fails with the system's error.
  [[nodiscard]] result<std::vector<special_part>> in(const address_range& range);

 private:
  std::optional<route_lookup> routes_;
};

}  // namespace netlab::scan
