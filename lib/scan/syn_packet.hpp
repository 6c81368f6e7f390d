// SPDX-License-Identifier: MIT
// The packets of a half-open scan: SYNs, and the segments that answer them. RFC 9293.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "scan/ip_packet.hpp"

namespace netlab::scan {

/// The SYNs from one address: the constant part is prepared once.
class syn_writer {
 public:
  static constexpr std::size_t segment_size = 24;  ///< with the option of the maximum segment size
  static constexpr std::size_t max_size = ip_header_writer::max_size + segment_size;

  explicit syn_writer(const address& from) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return header_.size() + segment_size; }
  /// Writes a SYN into the first size() octets. `to` must be of the same family.
  void write(std::span<std::byte> into, const address& to, std::uint16_t from_port, std::uint16_t to_port,
             std::uint32_t sequence) const noexcept;

 private:
  ip_header_writer header_;
  std::array<std::byte, segment_size> constant_{};
  std::uint32_t sum_ = 0;  // of constant_
};

/// A SYN-ACK or a reset that answers a SYN.
struct syn_answer {
  bool is_reset = false;
  std::uint16_t port = 0;      ///< where the SYN went
  std::uint16_t own_port = 0;  ///< where it came from
  std::uint32_t sequence = 0;  ///< of the SYN
};

/// `segment`: an IP packet's payload. None for other segments, and truncated ones; a segment without ACK answers
/// nothing. Checksums are not verified: the sequence number must match.
[[nodiscard]] std::optional<syn_answer> parse_syn_answer(bytes_view segment) noexcept;

}  // namespace netlab::scan
