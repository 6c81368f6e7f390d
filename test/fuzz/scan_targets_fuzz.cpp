// SPDX-License-Identifier: MIT
// A file of targets is parsed, or refused in one harmless line; the resulting set has each address once and no excluded
// one.
#include <algorithm>
#include <set>

#include "fuzz.hpp"
#include "scan/targets.hpp"

using namespace netlab;

namespace {

constexpr std::uint64_t looked_at = 300;  // places at the start and at the end of a set

void check_set(const scan::target_set& set, const std::vector<scan::address_range>& wanted,
               const std::vector<scan::address_range>& excluded) {
  const auto is_in = [](const std::vector<scan::address_range>& ranges, const ip_address& one) {
    return std::ranges::any_of(ranges, [&](const scan::address_range& each) { return each.contains(one); });
  };
  std::set<ip_address> seen;
  const auto look = [&](std::uint64_t place) {
    const ip_address one = set.at(place);
    fuzz::require(is_in(wanted, one), "only wanted addresses are in it");
    fuzz::require(!is_in(excluded, one), "no excluded address is in it");
    fuzz::require(seen.insert(one).second, "none is in it twice");
    fuzz::require(!set.host_at(place).empty(), "each has a name");
  };
  const std::uint64_t size = set.size();
  for (std::uint64_t place = 0; place < std::min(size, looked_at); ++place) look(place);
  for (std::uint64_t place = std::max(std::min(size, looked_at), size - std::min(size, looked_at)); place < size;
       ++place)
    look(place);
  for (const scan::address_range& each : wanted)
    if (!is_in(excluded, each.first)) fuzz::require(size > 0, "a wanted address is in it");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  const unsigned odd = fuzz::take_octet(text);  // every n-th target is excluded
  const auto targets = scan::parse_target_file(text, "hosts");
  if (!targets) {
    fuzz::require(fuzz::is_harmless(describe(targets.error())), "the refusal is harmless");
    return 0;
  }
  std::vector<scan::address_range> wanted;
  std::vector<scan::address_range> excluded;
  for (std::size_t at = 0; at < targets->size(); ++at) {
    const auto* range = std::get_if<scan::address_range>(&(*targets)[at]);
    if (range == nullptr) {
      fuzz::require(!std::get<scan::host_name>((*targets)[at]).name.empty(), "a name has letters");
      continue;
    }
    fuzz::require(range->first.is_v6 == range->last.is_v6, "a range has one family");
    fuzz::require(!(range->last < range->first), "a range runs forwards");
    for (const ip_address& end : {range->first, range->last}) {
      const auto again = parse_ip(to_string(end));
      fuzz::require(again && *again == end, "an address written and read is the same");
    }
    (at % 8 < odd % 8 ? excluded : wanted).push_back(*range);
  }
  scan::target_set set;
  for (const scan::address_range& each : excluded) set.exclude(each);
  for (const scan::address_range& each : wanted) set.add(each);
  check_set(set, wanted, excluded);
  return 0;
}
