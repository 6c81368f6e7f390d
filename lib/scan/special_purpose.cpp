// SPDX-License-Identifier: MIT
#include "scan/special_purpose.hpp"

#include <array>
#include <variant>

namespace netlab::scan {
namespace {

struct entry {
  std::string_view text;
  std::string_view purpose;
  unsigned rfc;
  bool is_global = false;
};

// https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry. What is global is here
// only where it lies in a block that is not. An IPv4-mapped target is an IPv4 one.
constexpr std::array entries{
    entry{"0.0.0.0/8", "this network", 791},
    entry{"10.0.0.0/8", "private use", 1918},
    entry{"100.64.0.0/10", "shared address space", 6598},
    entry{"127.0.0.0/8", "loopback", 1122},
    entry{"169.254.0.0/16", "link-local", 3927},
    entry{"172.16.0.0/12", "private use", 1918},
    entry{"192.0.0.0/24", "IETF protocol assignments", 6890},
    entry{"192.0.0.9/32", "Port Control Protocol anycast", 7723, true},
    entry{"192.0.0.10/32", "TURN anycast", 8155, true},
    entry{"192.0.2.0/24", "documentation", 5737},
    entry{"192.88.99.2/32", "6a44 relay anycast", 6751},
    entry{"192.168.0.0/16", "private use", 1918},
    entry{"198.18.0.0/15", "benchmarking", 2544},
    entry{"198.51.100.0/24", "documentation", 5737},
    entry{"203.0.113.0/24", "documentation", 5737},
    entry{"240.0.0.0/4", "reserved", 1112},
    entry{"::/128", "unspecified address", 4291},
    entry{"::1/128", "loopback", 4291},
    entry{"64:ff9b:1::/48", "IPv4-IPv6 translation", 8215},
    entry{"100::/64", "discard-only", 6666},
    entry{"100:0:0:1::/64", "dummy prefix", 9780},
    entry{"2001::/23", "IETF protocol assignments", 2928},
    entry{"2001::/32", "Teredo", 4380, true},
    entry{"2001:1::1/128", "Port Control Protocol anycast", 7723, true},
    entry{"2001:1::2/128", "TURN anycast", 8155, true},
    entry{"2001:1::3/128", "DNS-SD service registration anycast", 9665, true},
    entry{"2001:2::/48", "benchmarking", 5180},
    entry{"2001:3::/32", "AMT", 7450, true},
    entry{"2001:4:112::/48", "AS112-v6", 7535, true},
    entry{"2001:10::/28", "ORCHID", 4843, true},
    entry{"2001:20::/28", "ORCHIDv2", 7343, true},
    entry{"2001:30::/28", "drone remote ID", 9374, true},
    entry{"2001:db8::/32", "documentation", 3849},
    entry{"3fff::/20", "documentation", 9637},
    entry{"5f00::/16", "segment routing SIDs", 9602},
    entry{"fc00::/7", "unique local", 4193},
    entry{"fe80::/10", "link-local", 4291},
};

const std::vector<special_block>& special_blocks() {
  static const std::vector<special_block> made = [] {
    std::vector<special_block> all;
    for (const entry& each : entries) {
      const auto parsed = parse_target(each.text, target_use::exclude);
      all.push_back({each.text, each.purpose, each.rfc, each.is_global, std::get<address_range>(parsed.value())});
    }
    return all;
  }();
  return made;
}

}  // namespace

std::vector<special_part> special_parts(const address_range& range) {
  std::vector<special_part> found;
  if (range.first.scope != 0) return found;
  for (address at = range.first;;) {
    const special_block* smallest = nullptr;
    address end = range.last;  // of the addresses for which that is the smallest one
    for (const special_block& each : special_blocks()) {
      if (each.range.contains(at)) {
        if (smallest == nullptr || smallest->range.contains(each.range.last)) smallest = &each;
      } else if (at < each.range.first && !(end < each.range.first)) {
        end = each.range.first.previous();
      }
    }
    if (smallest != nullptr && smallest->range.last < end) end = smallest->range.last;
    if (smallest != nullptr && !smallest->is_global) found.push_back({{at, end}, smallest});
    if (!(end < range.last)) return found;
    at = end.plus(1);
  }
}

}  // namespace netlab::scan
