// SPDX-License-Identifier: MIT
// What a stateless scan sends to a port, and how it recognises the answer: a module for each transport.
#pragma once

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

/// An IP packet that Ethernet carries in one piece.
inline constexpr std::size_t max_packet = 1500;

/// An attempt at a port. The packet tells which attempt it was, modulo this number: its answer does, too.
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
};

class probe_module {
 public:
  virtual ~probe_module() = default;
  [[nodiscard]] virtual transport protocol() const noexcept = 0;
  /// Writes the probe's packet, from the IP header on, and returns its size.
  [[nodiscard]] virtual std::size_t write(std::span<std::byte, max_packet> into, const stateless_probe& probe) = 0;
  /// The answer in this packet. None if it has none, or if whoever sent it cannot have seen the probe.
  [[nodiscard]] virtual std::optional<probe_answer> read(const ip_packet& packet) const = 0;
  /// Of a port from which no answer came.
  [[nodiscard]] virtual port_verdict silence() const noexcept = 0;
};

/// For each source address a writer, which is made when it is first needed.
template <class Writer>
class writers_by_source {
 public:
  [[nodiscard]] const Writer& of(const address& from) {
    for (const auto& [source, writer] : made_)
      if (source.equals_without_scope(from)) return writer;
    return made_.emplace_back(from, Writer(from)).second;
  }

 private:
  std::vector<std::pair<address, Writer>> made_;  // few
};

}  // namespace netlab::scan
