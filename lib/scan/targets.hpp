// SPDX-License-Identifier: MIT
// The hosts to scan: names, addresses, blocks and ranges, stored compactly whatever their size.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace netlab::scan {

using address = ip_address;

/// The addresses from first to last, of one family and one interface.
struct address_range {
  address first;
  address last;
  [[nodiscard]] bool contains(const address& one) const noexcept;
};

/// A host name to look up.
struct host_name {
  std::string name;
};

using target_spec = std::variant<address_range, host_name>;

enum class target_use : std::uint8_t { scan, exclude };

/// `lab.example.org`, `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1-192.0.2.9`, `192.0.2.1-9`, `2001:db8::/112`,
/// `fe80::1%eth0`, `fe80::%eth0/120`; an IPv6 address may be in brackets. The caller handles `@FILE`. A target to
/// scan has at most 2^32 addresses, names its interface if it is link-local, and is not multicast or broadcast; an
/// exclusion may be anything, and without an interface applies to all interfaces. Single addresses are returned as by
/// as_reached(). Fails with errc::usage and a hint.
[[nodiscard]] result<target_spec> parse_target(std::string_view text, target_use use = target_use::scan,
                                               interface_lookup find_interface = nullptr);

/// Parses the words of a file; `#` begins a comment. An error names the line (errc::bad_data).
[[nodiscard]] result<std::vector<target_spec>> parse_target_file(std::string_view text, std::string_view name,
                                                                 target_use use = target_use::scan,
                                                                 interface_lookup find_interface = nullptr);

/// Multicast, 255.255.255.255 and 0.0.0.0: left out of larger blocks.
[[nodiscard]] std::span<const address_range> addresses_of_no_host() noexcept;

/// A sequence of distinct addresses, each with the name that the user gave.
class target_set {
 public:
  /// Appends the addresses that are neither present nor excluded. If a single address is present already, `host` is
  /// added to its other_names().
  void add(const address_range& range, std::string_view host = {});
  /// How many addresses add() would append; at most 2^32, as parse_target() promises for a range.
  [[nodiscard]] std::uint64_t count_new(const address_range& range);
  /// Must be called before add(). A link-local range without an interface is excluded on all interfaces.
  void exclude(const address_range& range);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The address at `place`, which must be below size().
  [[nodiscard]] address at(std::uint64_t place) const noexcept;
  /// The place of an address; none if it is not in the set.
  [[nodiscard]] std::optional<std::uint64_t> place_of(const address& one) const;
  /// Whether an address of the set is in the range.
  [[nodiscard]] bool overlaps(const address_range& range) const noexcept;
  /// Calls `visit` for each range in the order of the places, with the name that the user gave; empty if none.
  void for_each_range(const std::function<void(const address_range&, std::string_view name)>& visit) const;
  /// The name that the user gave, or else the address.
  [[nodiscard]] std::string host_at(std::uint64_t place) const;
  /// The name that the user gave; empty if it was given as an address.
  [[nodiscard]] std::string_view name_at(std::uint64_t place) const;
  /// Whether any address was given under more than one name.
  [[nodiscard]] bool has_other_names() const noexcept { return !other_names_.empty(); }
  /// The further names given for an address of the set.
  [[nodiscard]] std::span<const std::string> other_names(const address& of) const;

 private:
  struct piece {
    address_range range;
    std::uint64_t begin;  // place of its first address
    std::string host;  // empty: use the address
  };
  [[nodiscard]] const piece& piece_at(std::uint64_t place) const noexcept;
  [[nodiscard]] const piece* find_piece(const address& of) const;
  void take(const address_range& range);
  /// Applies what is excluded on all interfaces to this one.
  void exclude_on_interface(std::uint32_t scope);
  /// Calls `visit` for each part of the range that is neither present nor excluded, in their order.
  template <class Visit>
  void for_each_new(const address_range& range, Visit visit) const;

  std::map<address, address> taken_;  // first to last of each excluded or present range; disjoint
  std::vector<address_range> excluded_on_all_;  // link-local, without an interface
  std::vector<piece> pieces_;
  std::map<address, std::size_t> piece_by_first_;
  std::map<address, std::vector<std::string>> other_names_;
  std::uint64_t size_ = 0;
};

}  // namespace netlab::scan
