// SPDX-License-Identifier: MIT
// The octets of netlink messages (netlink(7)): structures in the machine's own byte order, padded to four octets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "base/bytes.hpp"

namespace netlab::netlink {

[[nodiscard]] constexpr std::size_t padded(std::size_t size) noexcept { return (size + 3) & ~std::size_t{3}; }

template <class Value>
void append_struct(bytes& to, const Value& value) {
  append(to, std::as_bytes(std::span(&value, 1)));
}

/// Copies the front of the octets into a structure. Missing octets are zero: an older kernel's structures are shorter.
template <class Value>
[[nodiscard]] Value load_struct(bytes_view from) noexcept {
  Value value{};
  std::memcpy(&value, from.data(), std::min(from.size(), sizeof value));
  return value;
}

}  // namespace netlab::netlink
