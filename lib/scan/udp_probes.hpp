// SPDX-License-Identifier: MIT
// The probes of a stateless UDP scan. A reply repeats only the ports of a datagram, so the cookie is in the local port.
//
// The kernel has no socket at these ports, unless another program uses one of them, and answers replies with ICMP
// errors, which servers ignore.
#pragma once

#include <string>

#include "scan/probe_module.hpp"
#include "scan/udp_packet.hpp"

namespace netlab::scan {

class udp_probes final : public probe_module {
 public:
  /// The cookie selects a group of ports, the attempt a port of the group.
  static constexpr std::uint16_t group_count = 1024;
  static constexpr std::uint16_t port_count = group_count * distinct_attempts;
  /// What a packet has room for over IPv6.
  static constexpr std::size_t max_message = max_packet_size - ipv6_header_size - udp_header_size;

  /// `first_port`: of port_count local ones. `message`: for ports without a request of their own; at most max_message
  /// octets.
  udp_probes(const siphash_key& key, std::uint16_t first_port, std::string message);

  [[nodiscard]] transport protocol() const noexcept override { return transport::udp; }
  [[nodiscard]] std::size_t write(std::span<std::byte, max_packet_size> into, const stateless_probe& probe) override;
  [[nodiscard]] std::optional<probe_answer> read(const ip_packet& packet) const override;
  [[nodiscard]] port_verdict silence() const noexcept override;

 private:
  [[nodiscard]] std::uint16_t own_port(const address& own, const address& target, std::uint16_t port,
                                       unsigned attempt) const noexcept;
  [[nodiscard]] bool is_own_port(std::uint16_t own_port, const address& own, const address& target,
                                 std::uint16_t port) const noexcept;
  [[nodiscard]] bool is_own_probe(const ip_packet& packet, const udp_datagram& datagram) const noexcept;

  siphash_key key_;
  std::uint16_t first_port_;
  std::string message_;
  writers_by_source<udp_writer> writers_;
};

}  // namespace netlab::scan
