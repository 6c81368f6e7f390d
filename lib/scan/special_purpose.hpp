// SPDX-License-Identifier: MIT
// The blocks of IANA's special-purpose address registries (RFC 6890, RFC 8190): which addresses have no meaning outside
// of some network.
#pragma once

#include <string_view>
#include <vector>

#include "scan/targets.hpp"

namespace netlab::scan {

struct special_block {
  std::string_view text;  ///< `10.0.0.0/8`
  std::string_view purpose;  ///< `private use`
  unsigned rfc = 0;  ///< its number
  bool is_global = false;  ///< globally reachable, or the registry does not say: an exception in a larger block
  address_range range;
};

struct special_part {
  address_range range;
  const special_block* block = nullptr;  ///< the smallest one, of static storage
};

/// The parts of a range that the registries call not globally reachable, ascending. None if the range has an interface
/// (RFC 4007): its addresses are on that link.
[[nodiscard]] std::vector<special_part> special_parts(const address_range& range);

}  // namespace netlab::scan
