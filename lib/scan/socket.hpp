// SPDX-License-Identifier: MIT
// The system calls that both scans share.
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

/// An address and port as the kernel wants them.
struct socket_address {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = 0;

  socket_address() noexcept;
  socket_address(const address& host, std::uint16_t port) noexcept;
  /// Of neither family: its size is 0.
  explicit socket_address(const sockaddr_storage& from) noexcept;
  [[nodiscard]] address host() const noexcept;
  [[nodiscard]] std::uint16_t port() const noexcept;
};

/// The ICMP message of the error queue; none if it is something else.
[[nodiscard]] std::optional<icmp_error> icmp_of(const net::queued_error& message) noexcept;

/// Whether this machine has the address. Fails with the system's code and `bind to ADDRESS`.
[[nodiscard]] result<void> check_source(const address& source);

/// As to_string(), but the scope as the interface's name, if it has one: fe80::1%eth0.
[[nodiscard]] std::string with_interface(const address& of);

/// Whether any address of this machine is fit to ask that one from: of `sources`, if any is of its family. Where none
/// is, connect() says EADDRNOTAVAIL, as it does when the ports are used up. Sends nothing.
[[nodiscard]] bool has_local_address(const address& to, std::span<const address> sources) noexcept;

/// Whether this machine knows a way to the address at the moment. Sends nothing.
[[nodiscard]] bool has_route(const address& to) noexcept;

/// The addresses that this machine has at one moment.
class own_addresses {
 public:
  own_addresses();
  [[nodiscard]] bool contains(const address& one) const noexcept;

 private:
  friend bool has_own_address(const target_set& targets);
  bool are_known_ = false;
  std::vector<address> all_;  // but for 127.0.0.0/8
};

/// Whether any of them is an address of this machine, or that cannot be known.
[[nodiscard]] bool has_own_address(const target_set& targets);

/// finding::origin of a verdict on a port of `target`. An ICMP message that this machine wrote itself, as where nobody
/// answers for an address on its link, is local; unless it is the target.
[[nodiscard]] std::string origin_of(const port_verdict& verdict, const address& target, const own_addresses& own);

[[nodiscard]] std::optional<socket_address> local_end_of(int fd) noexcept;
[[nodiscard]] std::optional<socket_address> remote_end_of(int fd) noexcept;

}  // namespace netlab::scan
