// SPDX-License-Identifier: MIT
#include "lab/tour/system_counters.hpp"

#include <string>

#include "base/file.hpp"
#include "base/text.hpp"

namespace netlab::lab {

std::optional<std::uint64_t> find_counter(std::string_view table, std::string_view protocol, std::string_view name) {
  const std::string head = std::string(protocol) + ':';
  std::vector<std::string_view> names;
  for (const std::string_view line : split(table, '\n')) {
    const auto fields = words(trim(line));
    if (fields.empty() || fields[0] != head) continue;
    if (names.empty()) {
      names = fields;
      continue;
    }
    for (std::size_t at = 1; at < fields.size() && at < names.size(); ++at)
      if (names[at] == name) return parse_integer<std::uint64_t>(fields[at]);
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> system_counter(std::string_view protocol, std::string_view name) {
  const auto table = read_file("/proc/self/net/snmp");
  return table ? find_counter(*table, protocol, name) : std::nullopt;
}

}  // namespace netlab::lab
