// SPDX-License-Identifier: MIT
#include "scan/targets.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace netlab::scan {
namespace {

constexpr std::size_t max_host_length = 255;  // RFC 1035 §2.3.4
constexpr unsigned max_block_bits = 32;       // all of IPv4; a larger scan would never end

// last - first, if it fits in 64 bits.
std::optional<std::uint64_t> distance(const address& first, const address& last) noexcept {
  const std::uint64_t low = last.low - first.low;
  const std::uint64_t high = last.high - first.high - (last.low < first.low ? 1 : 0);
  if (high != 0) return std::nullopt;
  return low;
}

// Sets the last `bits` bits to 1 or 0.
address with_low_bits(address of, unsigned bits, bool ones) noexcept {
  const auto mask = [](unsigned count) {
    return count >= 64 ? std::numeric_limits<std::uint64_t>::max() : (std::uint64_t{1} << count) - 1;
  };
  const std::uint64_t low = mask(bits);
  const std::uint64_t high = bits > 64 ? mask(bits - 64) : 0;
  of.low = ones ? of.low | low : of.low & ~low;
  of.high = ones ? of.high | high : of.high & ~high;
  return of;
}

auto bad(std::string_view text, std::string_view why, std::string cure = {}) {
  return fail(errc::usage, fmt::format("target '{}' {}", escape(text, 80), why), std::move(cure));
}

constexpr std::array no_hosts{
    address_range{{.is_v6 = false, .low = 0}, {.is_v6 = false, .low = 0}},
    address_range{{.is_v6 = false, .low = 0xe0000000}, {.is_v6 = false, .low = 0xefffffff}},
    address_range{{.is_v6 = false, .low = 0xffffffff}, {.is_v6 = false, .low = 0xffffffff}},
    address_range{{.is_v6 = true, .high = std::uint64_t{0xff} << 56},
                  {.is_v6 = true,
                   .high = std::numeric_limits<std::uint64_t>::max(),
                   .low = std::numeric_limits<std::uint64_t>::max()}},
};

/// Input of the target parser: the text, its use, and a function that finds an interface's number.
struct target_text {
  std::string_view text;
  target_use use;
  interface_lookup find_interface;

  [[nodiscard]] std::optional<address> parse(std::string_view part) const { return parse_ip(part, find_interface); }
};

// Gives both ends the interface that either of them names; false if they differ.
bool share_interface(address& first, address& last) noexcept {
  if (first.scope == 0) first.scope = last.scope;
  if (last.scope == 0) last.scope = first.scope;
  return first.scope == last.scope;
}

result<target_spec> check_range(const target_text& of, address_range range) {
  if (range.first.is_v4_mapped() && range.last.is_v4_mapped()) {  // ::ffff:192.0.2.0/120
    range.first = as_reached(range.first);
    range.last = as_reached(range.last);
  }
  if (of.use == target_use::exclude) return range;
  const std::string_view text = of.text;
  const auto steps = distance(range.first, range.last);
  if (!steps || *steps >= std::uint64_t{1} << max_block_bits) return bad(text, "has more than 2^32 addresses");
  if (auto whole = check_interface(range.first); !whole) return unexpected(whole.error());
  if (range.first.is_multicast() && range.last.is_multicast())
    return bad(text, "is multicast: a group, not a host", "write a host's own address");
  if (range.first == range.last && !range.first.is_v6 && range.first.low == 0xffffffff)
    return bad(text, "is the broadcast address, not a host", "write a host's own address");
  return range;
}

result<target_spec> check_address(const target_text& of, const address& one) {
  const address reached = as_reached(one);
  return check_range(of, {reached, reached});
}

// `192.0.2.0/24`, `fe80::%eth0/64`, `fe80::/64%eth0`
result<target_spec> parse_block(const target_text& of, std::size_t slash) {
  const std::string_view text = of.text;
  std::string before(text.substr(0, slash));
  std::string_view length = text.substr(slash + 1);
  if (const std::size_t percent = length.find('%'); percent != std::string_view::npos) {
    before += length.substr(percent);
    length = length.substr(0, percent);
  }
  const auto base = of.parse(before);
  if (!base) return bad(text, "has no address before the /", "write 192.0.2.0/24");
  const unsigned width = base->is_v6 ? 128 : 32;
  const auto prefix = parse_integer<unsigned>(length);
  if (!prefix || *prefix > width) return bad(text, fmt::format("has no prefix length from 0 to {}", width));
  const unsigned bits = width - *prefix;
  if (of.use == target_use::scan && bits > max_block_bits)
    return bad(text, "has more than 2^32 addresses",
               fmt::format("a prefix length of at least {}", width - max_block_bits));
  return check_range(of, {with_low_bits(*base, bits, false), with_low_bits(*base, bits, true)});
}

// `A-B`; none if the part before the dash is not an address: host and interface names may have dashes.
std::optional<result<target_spec>> parse_range(const target_text& of, std::size_t dash) {
  const std::string_view text = of.text;
  auto first = of.parse(trim(text.substr(0, dash)));
  if (!first) return std::nullopt;
  const std::string_view right = trim(text.substr(dash + 1));
  auto last = of.parse(right);
  if (!last && !first->is_v6) {
    const auto octet = parse_integer<std::uint8_t>(right);  // 192.0.2.1-9
    if (octet) last = address::v4(static_cast<std::uint32_t>(first->low & ~std::uint64_t{0xff}) | *octet);
  }
  if (!last) return bad(text, "has no address after the -", "write 192.0.2.1-192.0.2.9 or 192.0.2.1-9");
  if (last->is_v6 != first->is_v6) return bad(text, "begins in one address family and ends in the other");
  if (!share_interface(*first, *last)) return bad(text, "begins on one interface and ends on another");
  if (*last < *first)
    return bad(text, "runs backwards", fmt::format("write {}-{}", to_string(*last), to_string(*first)));
  return check_range(of, {*first, *last});
}

bool may_be_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_host_length && std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet > 0x20 && octet != 0x7f && c != '[' && c != ']' && c != '/' && c != '@' && c != ',';
  });
}

/// `host:22`, `[::1]:22`.
bool has_port(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !parse_integer<std::uint16_t>(text.substr(colon + 1))) return false;
  const std::string_view host = text.substr(0, colon);
  return host.find(':') == std::string_view::npos || (host.starts_with('[') && host.ends_with(']'));
}

}  // namespace

bool address_range::contains(const address& one) const noexcept { return !(one < first) && !(last < one); }

std::span<const address_range> addresses_of_no_host() noexcept { return no_hosts; }

result<target_spec> parse_target(std::string_view text, target_use use, interface_lookup find_interface) {
  text = trim(text);
  const target_text of{text, use, find_interface};
  if (text.empty()) return bad(text, "is empty", "a name, an address, 192.0.2.0/24, 192.0.2.1-9 or @FILE");
  const bool is_bracketed = text.starts_with('[') && text.ends_with(']');
  const std::string_view inner = is_bracketed ? text.substr(1, text.size() - 2) : text;
  if (const auto one = of.parse(inner); one && (one->is_v6 || !is_bracketed)) return check_address(of, *one);
  if (const auto pasted = parse_url(text))
    return bad(text, "is a URL, not a target", fmt::format("write {}", escape(pasted->host, 80)));
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) return parse_block(of, slash);
  for (std::size_t dash = text.find('-'); dash != std::string_view::npos; dash = text.find('-', dash + 1))
    if (auto range = parse_range(of, dash)) return std::move(*range);
  if (has_port(text)) return bad(text, "has a port", "give ports with --range");
  if (const std::size_t percent = inner.find('%'); percent != std::string_view::npos)
    if (parse_ip(inner.substr(0, percent)))
      return bad(text,
                 fmt::format("names an interface that this machine does not have: '{}'",
                             escape(inner.substr(percent + 1), 40)),
                 "ip link lists them");
  if (!may_be_name(text)) return bad(text, "contains characters that are not allowed in a host name");
  if (text.find_first_not_of("0123456789.") == std::string_view::npos)
    return bad(text, "is not an IPv4 address", "four numbers from 0 to 255");
  if (text.find(':') != std::string_view::npos) return bad(text, "is not an IPv6 address");
  return host_name{std::string(text)};
}

result<std::vector<target_spec>> parse_target_file(std::string_view text, std::string_view name, target_use use,
                                                   interface_lookup find_interface) {
  std::vector<target_spec> found;
  std::size_t number = 0;
  for (std::string_view line : text_lines(text)) {
    ++number;
    line = trim(line.substr(0, line.find('#')));
    for (const std::string_view word : words(line)) {
      auto one = parse_target(trim(word), use, find_interface);
      if (!one) {
        failure why = one.error();
        why.code = make_error_code(errc::bad_data);
        why.context = fmt::format("{}:{}", name, number);
        return unexpected(std::move(why));
      }
      found.push_back(std::move(*one));
    }
  }
  return found;
}

void target_set::exclude(const address_range& range) {
  if (range.first.scope == 0 && range.first.is_v6) excluded_on_all_.push_back(range);
  take(range);
}

void target_set::take(const address_range& range) {
  // Merge the range with all that overlap it, so that the pieces stay disjoint.
  address_range merged = range;
  auto at = taken_.upper_bound(range.first);
  if (at != taken_.begin() && !(std::prev(at)->second < range.first)) --at;
  while (at != taken_.end() && !(range.last < at->first)) {
    if (at->first < merged.first) merged.first = at->first;
    if (merged.last < at->second) merged.last = at->second;
    at = taken_.erase(at);
  }
  taken_.emplace_hint(at, merged.first, merged.last);
}

void target_set::add(const address_range& range, std::string_view host) {
  if (range.first == range.last) {
    if (const piece* known = find_piece(range.first)) {
      if (host.empty() || host == known->host) return;
      std::vector<std::string>& others = other_names_[range.first];
      if (std::ranges::find(others, host) == others.end()) others.emplace_back(host);
      return;
    }
  }
  exclude_on_interface(range.first.scope);
  for_each_new(range, [&](const address_range& part) {
    piece_by_first_.emplace(part.first, pieces_.size());
    pieces_.push_back({part, size_, std::string(host)});
    size_ += *distance(part.first, part.last) + 1;
  });
  take(range);
}

std::uint64_t target_set::count_new(const address_range& range) {
  exclude_on_interface(range.first.scope);
  std::uint64_t count = 0;
  for_each_new(range, [&](const address_range& part) { count += *distance(part.first, part.last) + 1; });
  return count;
}

void target_set::exclude_on_interface(std::uint32_t scope) {
  if (scope == 0) return;
  for (address_range each : excluded_on_all_) {
    each.first.scope = each.last.scope = scope;
    take(each);
  }
}

template <class Visit>
void target_set::for_each_new(const address_range& range, Visit visit) const {
  address from = range.first;
  auto hole = taken_.upper_bound(from);
  if (hole != taken_.begin()) --hole;
  for (; hole != taken_.end() && !(range.last < hole->first); ++hole) {
    if (hole->second < from) continue;
    if (from < hole->first) visit(address_range{from, hole->first.previous()});
    if (!(hole->second < range.last)) return;
    from = hole->second.plus(1);
  }
  visit(address_range{from, range.last});
}

const target_set::piece* target_set::find_piece(const address& of) const {
  auto after = piece_by_first_.upper_bound(of);
  if (after == piece_by_first_.begin()) return nullptr;
  const piece& found = pieces_[std::prev(after)->second];
  return found.range.contains(of) ? &found : nullptr;
}

std::optional<std::uint64_t> target_set::place_of(const address& one) const {
  const piece* const found = find_piece(one);
  if (found == nullptr) return std::nullopt;
  return found->begin + *distance(found->range.first, one);
}

std::span<const std::string> target_set::other_names(const address& of) const {
  const auto found = other_names_.find(of);
  return found == other_names_.end() ? std::span<const std::string>() : std::span<const std::string>(found->second);
}

const target_set::piece& target_set::piece_at(std::uint64_t place) const noexcept {
  assert(place < size_);
  const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), place,
                                      [](std::uint64_t value, const piece& one) { return value < one.begin; });
  return *(after - 1);
}

address target_set::at(std::uint64_t place) const noexcept {
  const piece& found = piece_at(place);
  return found.range.first.plus(place - found.begin);
}

bool target_set::overlaps(const address_range& range) const noexcept {
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const piece& one) {
    return !(range.last < one.range.first) && !(one.range.last < range.first);
  });
}

void target_set::for_each_range(const std::function<void(const address_range&, std::string_view)>& visit) const {
  for (const piece& each : pieces_) visit(each.range, each.host);
}

std::string_view target_set::name_at(std::uint64_t place) const { return piece_at(place).host; }

std::string target_set::host_at(std::uint64_t place) const {
  const std::string_view name = name_at(place);
  return name.empty() ? to_string(at(place)) : std::string(name);
}

}  // namespace netlab::scan
