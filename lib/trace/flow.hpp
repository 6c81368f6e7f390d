// SPDX-License-Identifier: MIT
// A TCP connection as seen in packets and calls: two streams of octets, numbered from the SYN.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <vector>

#include "trace/calls.hpp"

namespace netlab::trace {

/// Both ends in ascending order, so that both directions have the same key.
struct flow_key {
  address one;
  address other;
  auto operator<=>(const flow_key&) const = default;
};
[[nodiscard]] inline flow_key make_flow_key(const address& one, const address& other) {
  return one < other ? flow_key{one, other} : flow_key{other, one};
}

/// Octets [begin, end) of a stream, and the call or packet that owns them.
struct octet_range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t owner = 0;
};

/// Ascending ranges of a stream; if there are too many, the oldest are dropped.
class range_list {
 public:
  /// More small segments than a receive buffer of several megabytes holds.
  static constexpr std::size_t max_ranges = 65536;

  /// Adds the part of the range that does not overlap others: at the end, or into a hole. An empty range is dropped.
  void add(octet_range range);
  /// Owners of all ranges that overlap [begin, end), in order.
  [[nodiscard]] std::vector<std::uint64_t> owners(std::uint64_t begin, std::uint64_t end) const;
  /// Drops the ranges that end at or before `offset`.
  void drop_before(std::uint64_t offset);
  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return ranges_.size(); }

 private:
  std::deque<octet_range> ranges_;
};

/// The stream from one end to the other.
class direction {
 public:
  [[nodiscard]] bool is_known() const noexcept { return is_known_; }
  /// The sequence number of the SYN; with `offset`, one less than that of the octet there.
  void begin_at(std::uint32_t initial_sequence, std::uint64_t offset = 0) noexcept;
  [[nodiscard]] std::uint32_t initial_sequence() const noexcept { return initial_; }
  /// Converts a sequence number to an offset in the stream: the one nearest to the octets seen so far. Octets before
  /// the start have offset 0.
  [[nodiscard]] std::uint64_t offset_of(std::uint32_t sequence) const noexcept;
  /// Octets [offset, offset + length) were captured; returns whether all of them had been captured before.
  bool see(std::uint64_t offset, std::uint64_t length) noexcept;
  [[nodiscard]] std::uint64_t highest() const noexcept { return highest_; }

  range_list sends;     ///< octets of the sender's calls
  range_list segments;  ///< not yet returned by the receiver's calls
  std::uint64_t sent = 0;      ///< octets of the sender's calls that have returned
  std::uint64_t received = 0;  ///< octets returned by the receiver's calls
  packet_id fin = 0;
  packet_id reset = 0;
  std::uint32_t acknowledged = 0;  ///< the last acknowledgement number sent by this end
  std::uint16_t window = 0;
  bool has_acknowledged = false;

 private:
  bool is_known_ = false;
  std::uint32_t initial_ = 0;
  std::uint64_t highest_ = 0;  // offset after the last octet captured
};

/// One end of a connection.
struct connection_end {
  address where;
  socket_id socket = 0;    ///< of a traced program; 0: none, or not known yet
  socket_id listener = 0;  ///< the traced listening socket that accepts the connection

  [[nodiscard]] socket_id owner() const noexcept { return socket != 0 ? socket : listener; }
};

struct connection {
  std::array<connection_end, 2> ends;  ///< the first one sent the SYN, if it was captured
  std::array<direction, 2> out;        ///< the stream sent by each end
  packet_id syn = 0;
  packet_id syn_ack = 0;
  packet_id handshake_ack = 0;
  std::vector<packet_id> early;  ///< packets from before both ends were known, at most max_early
  static constexpr std::size_t max_early = 16;

  [[nodiscard]] std::size_t side_of(const address& where) const noexcept { return ends[0].where == where ? 0 : 1; }
  [[nodiscard]] bool is_whole() const noexcept { return ends[0].socket != 0 && ends[1].socket != 0; }
  [[nodiscard]] bool is_claimed() const noexcept {
    return ends[0].socket != 0 || ends[1].socket != 0 || ends[0].listener != 0 || ends[1].listener != 0;
  }
};

}  // namespace netlab::trace
