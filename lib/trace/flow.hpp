// SPDX-License-Identifier: MIT
// A TCP connection as packets and calls show it: two directions of octets, numbered from the SYN on.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "trace/calls.hpp"

namespace netlab::trace {

/// Both ends, the lesser first, so that either direction finds it.
struct flow_key {
  address one;
  address other;
  auto operator<=>(const flow_key&) const = default;
};
[[nodiscard]] inline flow_key make_flow_key(const address& one, const address& other) {
  return one < other ? flow_key{one, other} : flow_key{other, one};
}

/// Octets [begin, end) of a stream, and the call or the packet that they belong to.
struct octet_range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t owner = 0;
};

/// Ranges of a stream that ascend; the oldest go when there are too many.
class range_list {
 public:
  /// More than a receive buffer of several megabytes holds in small segments.
  static constexpr std::size_t max_ranges = 65536;

  /// What the others have already is cut off: it goes to the end, or into a hole. An empty range is dropped.
  void add(octet_range range);
  /// Owners of all that overlap [begin, end), in order.
  [[nodiscard]] std::vector<std::uint64_t> owners(std::uint64_t begin, std::uint64_t end) const;
  /// Those that end at or before `offset` are not needed any more.
  void drop_before(std::uint64_t offset);
  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return ranges_.size(); }

 private:
  std::deque<octet_range> ranges_;
};

/// What one end sends to the other.
class direction {
 public:
  [[nodiscard]] bool is_known() const noexcept { return is_known_; }
  /// The sequence number of the SYN, or one less than that of the octet at `offset`.
  void begin_at(std::uint32_t initial_sequence, std::uint64_t offset = 0) noexcept;
  [[nodiscard]] std::uint32_t initial_sequence() const noexcept { return initial_; }
  /// The offset of an octet in the stream, from its sequence number: the one nearest to what has been seen. Octets
  /// before the first have offset 0.
  [[nodiscard]] std::uint64_t offset_of(std::uint32_t sequence) const noexcept;
  /// Octets [offset, offset + length) have been seen on the wire; says whether all of them had been seen before.
  bool see(std::uint64_t offset, std::uint64_t length) noexcept;
  [[nodiscard]] std::uint64_t highest() const noexcept { return highest_; }

  range_list sends;     ///< of the sender's calls
  range_list segments;  ///< that the receiver's calls have not returned yet
  std::uint64_t sent = 0;      ///< octets that the sender's calls have returned for
  std::uint64_t received = 0;  ///< octets that the receiver's calls have returned
  packet_id fin = 0;
  packet_id reset = 0;
  std::uint32_t acknowledged = 0;  ///< the last acknowledgement that this end sent
  std::uint16_t window = 0;
  bool has_acknowledged = false;

 private:
  bool is_known_ = false;
  std::uint32_t initial_ = 0;
  std::uint64_t highest_ = 0;  // after the last octet that has been seen
};

/// One end.
struct connection_end {
  address where;
  socket_id socket = 0;    ///< of a traced program; 0: none, or not known yet
  socket_id listener = 0;  ///< a traced listening socket that takes the connection

  [[nodiscard]] socket_id owner() const noexcept { return socket != 0 ? socket : listener; }
};

struct connection {
  std::array<connection_end, 2> ends;  ///< the first sent the SYN, where that is known
  std::array<direction, 2> out;        ///< what each end sends
  packet_id syn = 0;
  packet_id syn_ack = 0;
  packet_id handshake_ack = 0;
  std::vector<packet_id> early;  ///< packets before both ends were known, at most max_early
  static constexpr std::size_t max_early = 16;

  [[nodiscard]] std::size_t side_of(const address& where) const noexcept { return ends[0].where == where ? 0 : 1; }
  [[nodiscard]] bool is_whole() const noexcept { return ends[0].socket != 0 && ends[1].socket != 0; }
  [[nodiscard]] bool is_claimed() const noexcept {
    return ends[0].socket != 0 || ends[1].socket != 0 || ends[0].listener != 0 || ends[1].listener != 0;
  }
};

}  // namespace netlab::trace
