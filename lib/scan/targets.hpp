// SPDX-License-Identifier: MIT
// The hosts to scan: names, addresses, blocks and ranges, however many, in memory that does not grow with them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace netlab::scan {

/// An IPv4 or IPv6 address as a number; compares within its family.
struct address {
  bool is_v6 = false;
  std::uint64_t high = 0;   ///< the first 64 bits of an IPv6 address
  std::uint64_t low = 0;    ///< the rest, or the IPv4 address
  std::uint32_t scope = 0;  ///< interface of a link-local address; not part of the order

  /// Network byte order: 16 octets, or the first 4.
  [[nodiscard]] std::array<std::uint8_t, 16> octets() const noexcept;
  [[nodiscard]] static address v4(std::uint32_t host_order) noexcept { return {.low = host_order}; }
  [[nodiscard]] static address v6(const std::array<std::uint8_t, 16>& octets, std::uint32_t scope = 0) noexcept;
  [[nodiscard]] address plus(std::uint64_t offset) const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;

  friend bool operator==(const address&, const address&) = default;
  /// By number, whatever the scope.
  [[nodiscard]] std::strong_ordering compare(const address& other) const noexcept;
};

/// 192.0.2.1 or ::1 in figures, without a scope; nothing else.
[[nodiscard]] std::optional<address> parse_address(std::string_view text);
/// RFC 5952; a scope as its number: fe80::1%2.
[[nodiscard]] std::string to_string(const address& of);

/// From first to last, of one family.
struct address_range {
  address first;
  address last;
  [[nodiscard]] bool contains(const address& one) const noexcept;
};

/// A host that has to be looked up, or a link-local address with its interface's name.
struct host_name {
  std::string name;
};

using target_spec = std::variant<address_range, host_name>;

/// `lab.example.org`, `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1-192.0.2.9`, `192.0.2.1-9`, `2001:db8::/112`.
/// `@FILE` is the caller's. A block has at most 2^32 addresses. Fails with errc::usage and the cure.
[[nodiscard]] result<target_spec> parse_target(std::string_view text);

/// The words of a file, `#` to the end of the line is a comment. A bad one is named with its line
/// (errc::bad_data).
[[nodiscard]] result<std::vector<target_spec>> parse_target_file(std::string_view text, std::string_view name);

/// A sequence of addresses without repetition, each with what the user called it.
class target_set {
 public:
  /// Appends those that are not there yet and not excluded.
  void add(const address_range& range, std::string_view host = {});
  /// Must come before add().
  void exclude(const address_range& range);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The address at a place below size().
  [[nodiscard]] address at(std::uint64_t place) const noexcept;
  /// Whether any of them is among these.
  [[nodiscard]] bool overlaps(const address_range& range) const noexcept;
  /// As the user named it: a name, else the address.
  [[nodiscard]] std::string host_at(std::uint64_t place) const;

 private:
  struct piece {
    address_range range;
    std::uint64_t begin;  // place of its first address
    std::string host;     // empty: the address
  };
  [[nodiscard]] const piece& piece_at(std::uint64_t place) const noexcept;

  struct less {
    bool operator()(const address& one, const address& other) const noexcept { return one.compare(other) < 0; }
  };
  std::map<address, address, less> taken_;  // first to last of what is excluded or there already; disjoint
  std::vector<piece> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace netlab::scan
