// SPDX-License-Identifier: MIT
#include "trace/io/capture.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <utility>

#include <fmt/format.h>

namespace netlab::trace {
namespace {

// The headers of 20,000 packets per second take 6 MiB per second. Whole packets on the loopback interface may have
// 64 KiB each. The kernel closes a block that is not full after longest_delay: so 128 blocks last for a second in which
// a busy machine does not let us read, however few packets come.
constexpr std::size_t ring_of_headers = std::size_t{16} << 20;
constexpr std::size_t ring_of_packets = std::size_t{64} << 20;
constexpr std::size_t block_count = 128;
// IP and TCP headers with all options, or an ICMP error with the packet that it quotes.
constexpr std::uint32_t octets_of_headers = 192;
constexpr std::uint32_t octets_of_packets = 0x40000;

// The address follows the frame's header, aligned.
constexpr std::size_t address_in_frame =
    (sizeof(tpacket3_hdr) + std::size_t{TPACKET_ALIGNMENT} - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT;

/// The socket captures on all interfaces: this filter drops packets that cannot belong to our sockets before they
/// reach the ring.
std::array<sock_filter, 9> make_packet_filter(std::uint32_t octets) {
  const auto auxiliary = [](int what) { return static_cast<std::uint32_t>(SKF_AD_OFF + what); };
  const std::uint32_t loopback = ::if_nametoindex("lo");
  return {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, auxiliary(SKF_AD_IFINDEX)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, loopback, 0, 2),
      // On the loopback interface each packet is captured twice: keep the outgoing one.
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, auxiliary(SKF_AD_PKTTYPE)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 4, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, auxiliary(SKF_AD_PROTOCOL)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, octets),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
}

result<void> set_option(int fd, int level, int name, const void* value, std::size_t size) {
  if (::setsockopt(fd, level, name, value, static_cast<socklen_t>(size)) == 0) return {};
  return fail(last_system_error(), "capture packets");
}

}  // namespace

result<net::unique_fd> open_packet_socket() {
  // Protocol 0: captures nothing until the ring is set up.
  net::unique_fd made(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made) return fail(last_system_error(), "capture packets");
  return made;
}

result<capture> capture::start(net::unique_fd socket, depth how) {
  capture made;
  made.socket_ = std::move(socket);
  made.depth_ = how;
  const int fd = made.socket_.get();
  const int version = TPACKET_V3;
  if (auto set = set_option(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version); !set)
    return unexpected(set.error());
  made.ring_size_ = how == depth::whole ? ring_of_packets : ring_of_headers;
  made.block_size_ = made.ring_size_ / block_count;
  tpacket_req3 request{};
  request.tp_block_size = static_cast<unsigned>(made.block_size_);
  request.tp_block_nr = static_cast<unsigned>(block_count);
  request.tp_frame_size = 2048;  // only determines the maximum number of frames
  request.tp_frame_nr = static_cast<unsigned>(made.ring_size_ / request.tp_frame_size);
  request.tp_retire_blk_tov = static_cast<unsigned>(longest_delay.count());
  if (auto set = set_option(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request); !set)
    return unexpected(set.error());
  void* ring = ::mmap(nullptr, made.ring_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) return fail(last_system_error(), "capture packets");
  made.ring_ = static_cast<std::byte*>(ring);

  auto code = make_packet_filter(how == depth::whole ? octets_of_packets : octets_of_headers);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (auto set = set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program); !set)
    return unexpected(set.error());
  sockaddr_ll everything{};
  everything.sll_family = AF_PACKET;
  everything.sll_protocol = htons(ETH_P_ALL);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&everything), sizeof everything) != 0)
    return fail(last_system_error(), "capture packets");
  return made;
}

capture::capture(capture&& other) noexcept { *this = std::move(other); }

capture& capture::operator=(capture&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(ring_, other.ring_);
  std::swap(ring_size_, other.ring_size_);
  std::swap(depth_, other.depth_);
  std::swap(block_size_, other.block_size_);
  std::swap(block_, other.block_);
  std::swap(dropped_, other.dropped_);
  return *this;
}

capture::~capture() {
  if (ring_ != nullptr) ::munmap(ring_, ring_size_);
}

void capture::drain(const std::function<void(packet)>& take) {
  // A block belongs to us while its status says so, and is returned by resetting it. Reads each block at most once.
  for (std::size_t count = block_count; count > 0; --count) {
    auto* block = reinterpret_cast<tpacket_block_desc*>(ring_ + block_ * block_size_);
    std::atomic_ref status(block->hdr.bh1.block_status);
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) return;
    const std::byte* at = reinterpret_cast<const std::byte*>(block) + block->hdr.bh1.offset_to_first_pkt;
    for (std::uint32_t left = block->hdr.bh1.num_pkts; left > 0; --left) {
      const auto* header = reinterpret_cast<const tpacket3_hdr*>(at);
      const auto* link = reinterpret_cast<const sockaddr_ll*>(at + address_in_frame);
      const bytes_view octets(at + header->tp_net, header->tp_snaplen);
      if (auto parsed = parse_packet(octets, header->tp_len)) {
        if (depth_ == depth::whole) parsed->octets.assign(octets.begin(), octets.end());
        parsed->time = std::chrono::seconds(header->tp_sec) + std::chrono::nanoseconds(header->tp_nsec);
        parsed->interface = static_cast<std::uint32_t>(link->sll_ifindex);
        parsed->is_outgoing = link->sll_pkttype == PACKET_OUTGOING;
        take(*std::move(parsed));
      }
      at += header->tp_next_offset;
    }
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    block_ = (block_ + 1) % block_count;
  }
}

std::uint64_t capture::dropped() {
  tpacket_stats_v3 statistics{};
  socklen_t size = sizeof statistics;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
    dropped_ += statistics.tp_drops;  // the kernel resets the counter when it is read
  return dropped_;
}

std::string name_of_interface(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(index, name.data()) == nullptr) return fmt::format("if{}", index);
  return name.data();
}

}  // namespace netlab::trace
