// SPDX-License-Identifier: MIT
#include "scan/shard.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::scan {

result<shard> parse_shard(std::string_view text) {
  const auto bad = [&](std::string_view why, std::string cure) {
    return fail(errc::usage, fmt::format("shard '{}' {}", escape(text, 60), why), std::move(cure));
  };
  const auto parts = split(text, '/');
  const auto index = parse_integer<std::uint32_t>(parts.front());
  const auto count = parts.size() == 2 ? parse_integer<std::uint32_t>(parts.back()) : std::nullopt;
  if (!index || !count) return bad("is not a number and a count", "write 3/8 for the third of eight parts");
  if (*count == 0 || *count > max_shards) return bad(fmt::format("has a count outside 1 to {}", max_shards), {});
  if (*index == 0) return bad("has index 0", fmt::format("parts are numbered from 1 to {}", *count));
  if (*index > *count) return bad("is beyond the last part", fmt::format("parts are numbered from 1 to {}", *count));
  return shard{*index, *count};
}

std::string to_string(const shard& part) { return fmt::format("{}/{}", part.index, part.count); }

}  // namespace netlab::scan
