// SPDX-License-Identifier: MIT
// What a stateless scan sends to a port, and how it recognises the answer: a module for each transport.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "scan/classify.hpp"
#include "scan/cookie.hpp"
#include "scan/finding.hpp"
#include "scan/ip_packet.hpp"

namespace netlab::scan {

/// Of an IP packet on Ethernet, in octets.
inline constexpr std::size_t max_packet_size = 1500;

/// A probe and its answer show which attempt at the port it was, modulo this number.
inline constexpr unsigned distinct_attempts = 16;

struct stateless_probe {
  address from;
  address to;
  std::uint16_t port = 0;
  unsigned attempt = 1;  ///< from 1
};

struct probe_answer {
  address target;  ///< without an interface
  std::uint16_t port = 0;
  unsigned attempt = 0;  ///< modulo distinct_attempts
  port_verdict verdict;
  bytes_view reply = {};      ///< of a UDP port; part of the packet
  bool is_reply_cut = false;  ///< the packet has only its beginning
  bool is_echo = false;       ///< the reply is what was sent
  bool shows_loss = true;     ///< if it answers a repeated probe, the earlier ones or their answers were lost
};

class probe_module {
 public:
  virtual ~probe_module() = default;
  [[nodiscard]] virtual transport protocol() const noexcept = 0;
  /// Writes the probe's packet, from the IP header on, and returns its size.
  [[nodiscard]] virtual std::size_t write(std::span<std::byte, max_packet_size> into, const stateless_probe& probe) = 0;
  /// None if the packet is not an answer, or its cookie does not match.
  [[nodiscard]] virtual std::optional<probe_answer> read(const ip_packet& packet) const = 0;
  /// Of a port from which no answer came.
  [[nodiscard]] virtual port_verdict silence() const noexcept = 0;
};

/// One writer for each source address, created when it is first needed.
template <class Writer>
class writers_by_source {
 public:
  [[nodiscard]] const Writer& of(const address& from) {
    for (const auto& [source, writer] : made_)
      if (source.equals_without_scope(from)) return writer;
    return made_.emplace_back(from, Writer(from)).second;
  }
  [[nodiscard]] bool has(const address& from) const {
    return std::ranges::any_of(made_, [&](const auto& each) { return each.first.equals_without_scope(from); });
  }

 private:
  std::vector<std::pair<address, Writer>> made_;  // few
};

}  // namespace netlab::scan
