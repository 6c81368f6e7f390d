// SPDX-License-Identifier: MIT
// Sends Ethernet frames by AF_XDP (Linux: Documentation/networking/af_xdp.rst).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "net/fd.hpp"
#include "scan/io/outgoing_packet.hpp"

namespace netlab::scan {

/// A queue of frames in memory that the kernel shares, and a system call that sends all of them: test/bench/syn shows
/// the gain over packet(7). Copy mode, so that any driver will do; nothing is received. As with PACKET_QDISC_BYPASS,
/// frames pass neither a queue discipline nor captures on this machine; unlike there, nor nftables' egress hook.
class xdp_sender {
 public:
  /// For one interface, whose link has Ethernet's addresses. Null if the kernel does not offer this (before 5.4,
  /// without CONFIG_XDP_SOCKETS, or because another program has the interface's first queue): then packet(7) has to do.
  [[nodiscard]] static std::unique_ptr<xdp_sender> open(std::uint32_t interface);
  xdp_sender(const xdp_sender&) = delete;
  xdp_sender& operator=(const xdp_sender&) = delete;
  ~xdp_sender();

  /// Sends the first packets; returns their number. If it is less than all, `error` says why the next one was refused:
  /// EAGAIN if the interface is busy; any other error ends the use of this object.
  [[nodiscard]] std::size_t send(std::span<const outgoing_packet> packets, int& error);
  /// Whether send() has left packets in the queue, because the interface was busy.
  [[nodiscard]] bool has_queued() const noexcept;
  /// Offers the interface again what it was too busy to take. Returns the error, as send() does; 0: none.
  [[nodiscard]] int flush();

 private:
  /// Part of the memory that is shared with the kernel: the indices and entries of a ring.
  struct ring {
    std::byte* memory = nullptr;
    std::size_t size = 0;
    std::uint32_t* producer = nullptr;
    std::uint32_t* consumer = nullptr;
    std::byte* entries = nullptr;
  };
  xdp_sender() = default;
  [[nodiscard]] bool map(ring& to, off_t offset, const void* offsets, std::size_t entry_size);
  /// Collects the places of frames that the kernel no longer reads.
  void take_completed();
  void write(const outgoing_packet& packet);
  /// How many of the frames written since then have left, after an error.
  [[nodiscard]] std::size_t gone_since(std::uint32_t before) const;

  net::unique_fd socket_;
  std::byte* frames_ = nullptr;
  ring to_send_;
  ring completed_;
  std::vector<std::uint64_t> free_;  // places for frames, from frames_ on
  std::uint32_t written_ = 0;  // frames, ever
};

}  // namespace netlab::scan
