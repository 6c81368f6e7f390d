// SPDX-License-Identifier: MIT
#include "lab/tour/port_range.hpp"

#include "base/text.hpp"

namespace netlab::lab {

std::optional<port_range> parse_port_range(std::string_view text) {
  const auto numbers = words(trim(text));
  if (numbers.size() != 2) return std::nullopt;
  const auto first = parse_integer<std::uint16_t>(numbers[0]);
  const auto last = parse_integer<std::uint16_t>(numbers[1]);
  if (!first || !last || *first > *last) return std::nullopt;
  return port_range{*first, *last};
}

}  // namespace netlab::lab
