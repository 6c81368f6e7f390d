// SPDX-License-Identifier: MIT
// The probes of a half-open TCP scan. Their sequence numbers are cookies, and the local port tells the attempt.
#pragma once

#include "scan/probe_module.hpp"
#include "scan/syn_packet.hpp"

namespace netlab::scan {

class syn_probes final : public probe_module {
 public:
  static constexpr std::uint16_t port_count = distinct_attempts;

  /// `first_port`: of port_count local ones.
  syn_probes(const siphash_key& key, std::uint16_t first_port) : key_(key), first_port_(first_port) {}

  [[nodiscard]] transport protocol() const noexcept override { return transport::tcp; }
  [[nodiscard]] std::size_t write(std::span<std::byte, max_packet_size> into, const stateless_probe& probe) override;
  [[nodiscard]] std::optional<probe_answer> read(const ip_packet& packet) const override;
  [[nodiscard]] port_verdict silence() const noexcept override;

 private:
  siphash_key key_;
  std::uint16_t first_port_;
  writers_by_source<syn_writer> writers_;
};

}  // namespace netlab::scan
