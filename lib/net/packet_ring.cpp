// SPDX-License-Identifier: MIT
#include "net/packet_ring.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <utility>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23  // Linux 4.20
#endif

namespace netlab::net {
namespace {

constexpr std::size_t frame_size = 2048;  // only determines the maximum number of frames

// The address follows the frame's header, aligned.
constexpr std::size_t address_in_frame =
    (sizeof(tpacket3_hdr) + std::size_t{TPACKET_ALIGNMENT} - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT;

template <class Value>
bool set_option(int fd, int level, int name, const Value& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

}  // namespace

result<packet_ring> packet_ring::start(unique_fd socket, const options& settings, const char* context) {
  packet_ring made;
  made.socket_ = std::move(socket);
  made.block_size_ = settings.block_size;
  made.block_count_ = settings.block_count;
  const int fd = made.socket_.get();
  const std::size_t size = settings.block_size * settings.block_count;
  if (settings.only_incoming) static_cast<void>(set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1));
  tpacket_req3 request{};
  request.tp_block_size = static_cast<unsigned>(settings.block_size);
  request.tp_block_nr = static_cast<unsigned>(settings.block_count);
  request.tp_frame_size = static_cast<unsigned>(frame_size);
  request.tp_frame_nr = static_cast<unsigned>(size / frame_size);
  request.tp_retire_blk_tov = static_cast<unsigned>(settings.longest_delay.count());
  if (!set_option(fd, SOL_PACKET, PACKET_VERSION, int{TPACKET_V3}) ||
      !set_option(fd, SOL_PACKET, PACKET_RX_RING, request))
    return fail(last_system_error(), context);
  void* const ring = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) return fail(last_system_error(), context);
  made.ring_ = static_cast<std::byte*>(ring);
  const sock_fprog program{static_cast<unsigned short>(settings.filter.size()), settings.filter.data()};
  sockaddr_ll everything{};
  everything.sll_family = AF_PACKET;
  everything.sll_protocol = htons(ETH_P_ALL);
  if (!set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, program) ||
      ::bind(fd, reinterpret_cast<const sockaddr*>(&everything), sizeof everything) != 0)
    return fail(last_system_error(), context);
  return made;
}

packet_ring& packet_ring::operator=(packet_ring&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(ring_, other.ring_);
  std::swap(block_size_, other.block_size_);
  std::swap(block_count_, other.block_count_);
  std::swap(block_, other.block_);
  return *this;
}

packet_ring::~packet_ring() {
  if (ring_ != nullptr) ::munmap(ring_, block_size_ * block_count_);
}

void packet_ring::drain(const std::function<void(const frame&)>& take) {
  for (std::size_t count = block_count_; count > 0; --count) {
    // A block belongs to us while its status says so, and is returned by resetting it.
    auto* const block = reinterpret_cast<tpacket_block_desc*>(ring_ + block_ * block_size_);
    std::atomic_ref status(block->hdr.bh1.block_status);
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) return;
    const std::byte* at = reinterpret_cast<const std::byte*>(block) + block->hdr.bh1.offset_to_first_pkt;
    for (std::uint32_t left = block->hdr.bh1.num_pkts; left > 0; --left) {
      const auto* const header = reinterpret_cast<const tpacket3_hdr*>(at);
      take({.octets = bytes_view(at + header->tp_net, header->tp_snaplen),
            .length = header->tp_len,
            .time = std::chrono::seconds(header->tp_sec) + std::chrono::nanoseconds(header->tp_nsec),
            .link = reinterpret_cast<const sockaddr_ll*>(at + address_in_frame)});
      at += header->tp_next_offset;
    }
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    block_ = (block_ + 1) % block_count_;
  }
}

std::uint64_t packet_ring::take_dropped() noexcept {
  tpacket_stats_v3 statistics{};
  socklen_t size = sizeof statistics;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) return 0;
  return statistics.tp_drops;  // the kernel resets the counter when it is read
}

}  // namespace netlab::net
