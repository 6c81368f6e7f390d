// SPDX-License-Identifier: MIT
// Packets that the kernel puts into a ring of blocks in shared memory (packet(7), TPACKET_V3).
#pragma once

#include <linux/filter.h>
#include <linux/if_packet.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/fd.hpp"

namespace netlab::net {

class packet_ring {
 public:
  struct options {
    std::size_t block_size;  ///< octets: a multiple of the page size
    std::size_t block_count;
    /// The kernel hands over a block that is not full after this time.
    std::chrono::milliseconds longest_delay;
    std::span<sock_filter> filter;  ///< classic BPF; offsets count from the network header
    bool only_incoming = false;     ///< on the loopback interface, too; kernels before 4.20 ignore it
  };

  struct frame {
    bytes_view octets;                 ///< from the network header on, as far as the filter keeps them
    std::uint32_t length = 0;          ///< of the whole packet; `octets` may be truncated
    std::chrono::nanoseconds time{};   ///< when it passed, by the wall clock, since 1970
    const sockaddr_ll* link = nullptr;  ///< interface, direction, protocol and the sender's link-layer address
  };

  /// Receives the packets of all interfaces by a socket of type SOCK_DGRAM that receives nothing yet (protocol 0).
  /// Fails with the system's error and `context`.
  [[nodiscard]] static result<packet_ring> start(unique_fd socket, const options& settings, const char* context);

  packet_ring() = default;
  packet_ring(packet_ring&& other) noexcept { *this = std::move(other); }
  packet_ring& operator=(packet_ring&& other) noexcept;
  ~packet_ring();

  /// Passes on the frames of all blocks that the kernel has handed over, of each block at most once, and returns the
  /// blocks. A frame is valid during the call.
  void drain(const std::function<void(const frame&)>& take);

  /// Becomes readable when drain() has something to pass on.
  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

  /// Packets that were lost because the ring was full, since the last call.
  [[nodiscard]] std::uint64_t take_dropped() noexcept;

 private:
  unique_fd socket_;
  std::byte* ring_ = nullptr;
  std::size_t block_size_ = 0;
  std::size_t block_count_ = 0;
  std::size_t block_ = 0;  // the next one to read
};

}  // namespace netlab::net
