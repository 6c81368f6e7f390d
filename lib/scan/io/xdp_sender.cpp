// SPDX-License-Identifier: MIT
#include "scan/io/xdp_sender.hpp"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

namespace netlab::scan {
namespace {

// Four batches: drivers return frames late. A power of two.
constexpr std::uint32_t xdp_frame_count = 1024;
constexpr std::size_t xdp_frame_size = 2048;     // the kernel's minimum
constexpr std::size_t ethernet_header = 14;
// The kernel sends at most 32 frames at a call. After this many calls without progress, the interface is busy.
constexpr unsigned calls_in_vain = 16;

template <class Value>
bool set_xdp_option(int fd, int name, const Value& value) {
  return ::setsockopt(fd, SOL_XDP, name, &value, sizeof value) == 0;
}

std::uint32_t load_index(std::uint32_t* index) { return std::atomic_ref(*index).load(std::memory_order_acquire); }

void store_index(std::uint32_t* index, std::uint32_t value) {
  std::atomic_ref(*index).store(value, std::memory_order_release);
}

}  // namespace

std::unique_ptr<xdp_sender> xdp_sender::open(std::uint32_t interface) {
  std::unique_ptr<xdp_sender> made(new xdp_sender);
  made->socket_ = net::unique_fd(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  const int fd = made->socket_.get();
  if (fd < 0) return nullptr;
  void* const memory =
      ::mmap(nullptr, xdp_frame_count * xdp_frame_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  made->frames_ = static_cast<std::byte*>(memory);
  for (std::uint64_t place = xdp_frame_count; place-- > 0;) made->free_.push_back(place * xdp_frame_size);
  xdp_umem_reg area{};
  area.addr = reinterpret_cast<std::uintptr_t>(memory);
  area.len = xdp_frame_count * xdp_frame_size;
  area.chunk_size = xdp_frame_size;
  xdp_mmap_offsets offsets{};
  socklen_t size = sizeof offsets;
  // The kernel wants a ring for received frames' memory, too; it stays empty.
  if (!set_xdp_option(fd, XDP_UMEM_REG, area) || !set_xdp_option(fd, XDP_UMEM_FILL_RING, xdp_frame_count) ||
      !set_xdp_option(fd, XDP_UMEM_COMPLETION_RING, xdp_frame_count) ||
      !set_xdp_option(fd, XDP_TX_RING, xdp_frame_count) ||
      ::getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) != 0 || size != sizeof offsets ||
      !made->map(made->to_send_, XDP_PGOFF_TX_RING, &offsets.tx, sizeof(xdp_desc)) ||
      !made->map(made->completed_, XDP_UMEM_PGOFF_COMPLETION_RING, &offsets.cr, sizeof(std::uint64_t)))
    return nullptr;
  enlarge_send_buffer(fd);
  sockaddr_xdp where{};
  where.sxdp_family = AF_XDP;
  where.sxdp_flags = XDP_COPY;
  where.sxdp_ifindex = interface;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return nullptr;
  return made;
}

bool xdp_sender::map(ring& to, off_t offset, const void* offsets, std::size_t entry_size) {
  const auto& at = *static_cast<const xdp_ring_offset*>(offsets);
  to.size = at.desc + xdp_frame_count * entry_size;
  void* const memory =
      ::mmap(nullptr, to.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket_.get(), offset);
  if (memory == MAP_FAILED) return false;
  to.memory = static_cast<std::byte*>(memory);
  to.producer = reinterpret_cast<std::uint32_t*>(to.memory + at.producer);
  to.consumer = reinterpret_cast<std::uint32_t*>(to.memory + at.consumer);
  to.entries = to.memory + at.desc;
  return true;
}

xdp_sender::~xdp_sender() {
  for (const ring* each : {&to_send_, &completed_})
    if (each->memory != nullptr) ::munmap(each->memory, each->size);
  // The kernel keeps the pages that it still sends from.
  if (frames_ != nullptr) ::munmap(frames_, xdp_frame_count * xdp_frame_size);
}

void xdp_sender::take_completed() {
  const std::uint32_t end = load_index(completed_.producer);
  for (std::uint32_t at = load_index(completed_.consumer); at != end; ++at) {
    std::uint64_t place = 0;
    std::memcpy(&place, completed_.entries + at % xdp_frame_count * sizeof place, sizeof place);
    free_.push_back(place);
  }
  store_index(completed_.consumer, end);
}

void xdp_sender::write(const outgoing_packet& packet) {
  const xdp_desc entry{
      .addr = free_.back(), .len = static_cast<std::uint32_t>(ethernet_header + packet.size), .options = 0};
  free_.pop_back();
  const std::uint16_t type = ether_type_of(packet.protocol);
  std::byte* const frame = frames_ + entry.addr;
  std::memcpy(frame, packet.to.data(), packet.to.size());
  std::memcpy(frame + packet.to.size(), packet.from.data(), packet.from.size());
  std::memcpy(frame + packet.to.size() + packet.from.size(), &type, sizeof type);
  std::memcpy(frame + ethernet_header, packet.octets.data(), packet.size);
  std::memcpy(to_send_.entries + written_++ % xdp_frame_count * sizeof entry, &entry, sizeof entry);
}

std::size_t xdp_sender::send(std::span<const outgoing_packet> packets, int& error) {
  error = 0;
  std::size_t done = 0;
  while (done < packets.size() && error == 0) {
    take_completed();
    const auto now = packets.subspan(done, std::min(packets.size() - done, free_.size()));
    if (now.empty()) {
      error = EAGAIN;
      break;
    }
    const std::uint32_t before = written_;
    for (const outgoing_packet& each : now) write(each);
    store_index(to_send_.producer, written_);
    error = flush();
    // What a busy interface has not taken yet stays in the ring, and is sent.
    done += error == 0 || error == EAGAIN ? now.size() : gone_since(before);
  }
  if (done == packets.size()) error = 0;
  return done;
}

std::size_t xdp_sender::gone_since(std::uint32_t before) const {
  const std::uint32_t taken = load_index(to_send_.consumer) - before;
  return taken <= written_ - before && taken > 0 ? taken - 1 : 0;  // the last one was lost
}

bool xdp_sender::has_queued() const noexcept { return load_index(to_send_.consumer) != written_; }

int xdp_sender::flush() {
  unsigned in_vain = 0;
  std::uint32_t seen = load_index(to_send_.consumer);
  while (has_queued()) {
    if (::sendto(socket_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0) {
      // EBUSY: the frame is lost, for example because the interface has lost its carrier.
      if (errno == EBUSY) return ENOBUFS;
      if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) return errno;
    }
    take_completed();
    const std::uint32_t now = load_index(to_send_.consumer);
    in_vain = now == seen ? in_vain + 1 : 0;
    seen = now;
    if (in_vain == calls_in_vain) return EAGAIN;
  }
  return 0;
}

}  // namespace netlab::scan
