// SPDX-License-Identifier: MIT
// System calls shared by the TCP and UDP scans.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/error_queue.hpp"
#include "scan/classify.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

/// An address and port for the socket calls.
struct socket_address {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = 0;

  socket_address() noexcept;
  socket_address(const address& host, std::uint16_t port) noexcept;
  /// The size is 0 if it is neither IPv4 nor IPv6.
  explicit socket_address(const sockaddr_storage& from) noexcept;
  [[nodiscard]] address host() const noexcept;
  [[nodiscard]] std::uint16_t port() const noexcept;
};

/// The ICMP message in an entry of the error queue; none for other entries.
[[nodiscard]] std::optional<icmp_error> icmp_of(const net::queued_error& message) noexcept;

/// Checks that this machine has the address. Fails with the system's error and `bind to ADDRESS`.
[[nodiscard]] result<void> check_source(const address& source);

/// Like to_string(), but with the interface name as the scope, if it has one: fe80::1%eth0.
[[nodiscard]] std::string with_interface(const address& of);

/// Whether this machine has a usable source address for `to`: one of `sources`, if any is of its family. If not,
/// connect() fails with EADDRNOTAVAIL, as it does when no ports are left. Sends nothing.
[[nodiscard]] bool has_local_address(const address& to, std::span<const address> sources) noexcept;

/// Whether this machine has a route to the address now. Sends nothing.
[[nodiscard]] bool has_route(const address& to) noexcept;

/// The addresses of this machine at the time of construction.
class own_addresses {
 public:
  own_addresses();
  [[nodiscard]] bool contains(const address& one) const noexcept;

 private:
  friend bool has_own_address(const target_set& targets);
  bool are_known_ = false;
  std::vector<address> all_;  // without 127.0.0.0/8
};

/// Whether a target is an address of this machine, or that cannot be determined.
[[nodiscard]] bool has_own_address(const target_set& targets);

/// finding::origin for a verdict on a port of `target`. An ICMP message from an address of this machine is `local`
/// (for example if ARP gets no answer), unless that address is the target.
[[nodiscard]] std::string origin_of(const port_verdict& verdict, const address& target, const own_addresses& own);

[[nodiscard]] std::optional<socket_address> local_end_of(int fd) noexcept;
[[nodiscard]] std::optional<socket_address> remote_end_of(int fd) noexcept;

}  // namespace netlab::scan
