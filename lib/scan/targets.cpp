// SPDX-License-Identifier: MIT
#include "scan/targets.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::scan {
namespace {

constexpr std::size_t max_host_length = 255;  // RFC 1035 §2.3.4
constexpr unsigned max_block_bits = 32;       // all of IPv4; no scan of more has an end

address from_network(const void* octets, bool is_v6) {
  const auto* at = static_cast<const std::uint8_t*>(octets);
  if (!is_v6)
    return address::v4(std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3]);
  std::array<std::uint8_t, 16> copy{};
  std::copy_n(at, copy.size(), copy.begin());
  return address::v6(copy);
}

// last - first, when it fits.
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

address before(address of) noexcept {
  if (of.low-- == 0) --of.high;
  return of;
}

bool is_less(const address& one, const address& other) noexcept { return one.compare(other) < 0; }

auto bad(std::string_view text, std::string_view why, std::string cure = {}) {
  return fail(errc::usage, fmt::format("target '{}' {}", escape(text, 80), why), std::move(cure));
}

result<target_spec> parse_block(std::string_view text, std::size_t slash) {
  const auto base = parse_address(text.substr(0, slash));
  if (!base) return bad(text, "has no address before the /", "write 192.0.2.0/24");
  const unsigned width = base->is_v6 ? 128 : 32;
  const auto prefix = parse_integer<unsigned>(text.substr(slash + 1));
  if (!prefix || *prefix > width) return bad(text, fmt::format("has no prefix length from 0 to {}", width));
  const unsigned bits = width - *prefix;
  if (bits > max_block_bits)
    return bad(text, "has more than 2^32 addresses",
               fmt::format("a prefix length of at least {}", width - max_block_bits));
  return address_range{with_low_bits(*base, bits, false), with_low_bits(*base, bits, true)};
}

// `A-B`; nothing if the left side is no address: a host name may have dashes.
std::optional<result<target_spec>> parse_range(std::string_view text, std::size_t dash) {
  const auto first = parse_address(trim(text.substr(0, dash)));
  if (!first) return std::nullopt;
  const std::string_view right = trim(text.substr(dash + 1));
  auto last = parse_address(right);
  if (!last && !first->is_v6) {
    const auto octet = parse_integer<std::uint8_t>(right);  // 192.0.2.1-9
    if (octet) last = address::v4(static_cast<std::uint32_t>(first->low & ~std::uint64_t{0xff}) | *octet);
  }
  if (!last) return bad(text, "has no address behind the -", "write 192.0.2.1-192.0.2.9 or 192.0.2.1-9");
  if (last->is_v6 != first->is_v6) return bad(text, "begins in one address family and ends in the other");
  if (is_less(*last, *first))
    return bad(text, "runs backwards", fmt::format("write {}-{}", to_string(*last), to_string(*first)));
  const auto steps = distance(*first, *last);
  if (!steps || *steps >= std::uint64_t{1} << max_block_bits) return bad(text, "has more than 2^32 addresses");
  return address_range{*first, *last};
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

std::array<std::uint8_t, 16> address::octets() const noexcept {
  std::array<std::uint8_t, 16> out{};
  if (!is_v6) {
    for (unsigned at = 0; at < 4; ++at) out[at] = static_cast<std::uint8_t>(low >> (24 - 8 * at));
    return out;
  }
  for (unsigned at = 0; at < 8; ++at) {
    out[at] = static_cast<std::uint8_t>(high >> (56 - 8 * at));
    out[at + 8] = static_cast<std::uint8_t>(low >> (56 - 8 * at));
  }
  return out;
}

address address::v6(const std::array<std::uint8_t, 16>& octets, std::uint32_t scope) noexcept {
  address made{.is_v6 = true, .scope = scope};
  for (unsigned at = 0; at < 8; ++at) {
    made.high = made.high << 8 | octets[at];
    made.low = made.low << 8 | octets[at + 8];
  }
  return made;
}

address address::plus(std::uint64_t offset) const noexcept {
  address sum = *this;
  sum.low += offset;
  if (sum.low < low) ++sum.high;
  return sum;
}

bool address::is_loopback() const noexcept { return is_v6 ? high == 0 && low == 1 : low >> 24 == 127; }

std::strong_ordering address::compare(const address& other) const noexcept {
  if (is_v6 != other.is_v6) return is_v6 <=> other.is_v6;
  if (high != other.high) return high <=> other.high;
  return low <=> other.low;
}

std::optional<address> parse_address(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) return from_network(&four, false);
  in6_addr six{};
  if (inet_pton(AF_INET6, copy.c_str(), &six) == 1) return from_network(&six, true);
  return std::nullopt;
}

std::string to_string(const address& of) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto octets = of.octets();
  inet_ntop(of.is_v6 ? AF_INET6 : AF_INET, octets.data(), text.data(), static_cast<socklen_t>(text.size()));
  return of.scope == 0 ? std::string(text.data()) : fmt::format("{}%{}", text.data(), of.scope);
}

bool address_range::contains(const address& one) const noexcept { return !is_less(one, first) && !is_less(last, one); }

result<target_spec> parse_target(std::string_view text) {
  text = trim(text);
  if (text.empty()) return bad(text, "is empty", "a name, an address, 192.0.2.0/24, 192.0.2.1-9 or @FILE");
  const bool is_bracketed = text.starts_with('[') && text.ends_with(']');
  const std::string_view inner = is_bracketed ? text.substr(1, text.size() - 2) : text;
  if (const auto one = parse_address(inner); one && (one->is_v6 || !is_bracketed)) {
    if (one->is_v6 && one->high >> 54 == 0xfe80 >> 6)  // RFC 4291 §2.5.6
      return bad(text, "is a link-local address and wants its interface", fmt::format("write {}%eth0", inner));
    return address_range{*one, *one};
  }
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) return parse_block(text, slash);
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos)
    if (auto range = parse_range(text, dash)) return std::move(*range);
  if (has_port(text)) return bad(text, "has a port", "ports belong to --range");
  if (!may_be_name(text)) return bad(text, "has characters that no host name has");
  if (text.find_first_not_of("0123456789.") == std::string_view::npos)
    return bad(text, "is no IPv4 address", "four numbers from 0 to 255");
  if (text.find(':') != std::string_view::npos && text.find('%') == std::string_view::npos)
    return bad(text, "is no IPv6 address");
  return host_name{std::string(text)};
}

result<std::vector<target_spec>> parse_target_file(std::string_view text, std::string_view name) {
  std::vector<target_spec> found;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = trim(line.substr(0, line.find('#')));
    for (const std::string_view word : words(line)) {
      auto one = parse_target(trim(word));
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
  // Merged with what it overlaps, so that the pieces stay disjoint.
  address_range merged = range;
  auto at = taken_.upper_bound(range.first);
  if (at != taken_.begin() && !is_less(std::prev(at)->second, range.first)) --at;
  while (at != taken_.end() && !is_less(range.last, at->first)) {
    if (is_less(at->first, merged.first)) merged.first = at->first;
    if (is_less(merged.last, at->second)) merged.last = at->second;
    at = taken_.erase(at);
  }
  taken_.emplace_hint(at, merged.first, merged.last);
}

void target_set::add(const address_range& range, std::string_view host) {
  const auto append = [&](const address& first, const address& last) {
    pieces_.push_back({{first, last}, size_, std::string(host)});
    size_ += *distance(first, last) + 1;
  };
  address from = range.first;
  bool left = true;
  auto hole = taken_.upper_bound(from);
  if (hole != taken_.begin()) --hole;
  for (; hole != taken_.end() && !is_less(range.last, hole->first); ++hole) {
    if (is_less(hole->second, from)) continue;
    if (is_less(from, hole->first)) append(from, before(hole->first));
    if (!is_less(hole->second, range.last)) {
      left = false;
      break;
    }
    from = hole->second.plus(1);
    from.scope = range.first.scope;
  }
  if (left) append(from, range.last);
  exclude(range);
}

const target_set::piece& target_set::piece_at(std::uint64_t place) const noexcept {
  assert(place < size_);
  const auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), place,
                                       [](std::uint64_t value, const piece& one) { return value < one.begin; });
  return *(behind - 1);
}

address target_set::at(std::uint64_t place) const noexcept {
  const piece& found = piece_at(place);
  return found.range.first.plus(place - found.begin);
}

bool target_set::overlaps(const address_range& range) const noexcept {
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const piece& one) {
    return one.range.first.is_v6 == range.first.is_v6 && !is_less(range.last, one.range.first) &&
           !is_less(one.range.last, range.first);
  });
}

std::string target_set::host_at(std::uint64_t place) const {
  const piece& found = piece_at(place);
  return found.host.empty() ? to_string(at(place)) : found.host;
}

}  // namespace netlab::scan
