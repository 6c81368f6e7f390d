// SPDX-License-Identifier: MIT
#include "trace/io/capture.hpp"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include <fmt/format.h>

namespace netlab::trace {
namespace {

constexpr const char* context = "capture packets";

// The headers of 20,000 packets per second take 6 MiB per second. Whole packets on the loopback interface may have
// 64 KiB each. The kernel closes a block that is not full after longest_delay: so 128 blocks last for a second in which
// a busy machine does not let us read, however few packets come.
constexpr std::size_t ring_of_headers = std::size_t{16} << 20;
constexpr std::size_t ring_of_packets = std::size_t{64} << 20;
constexpr std::size_t block_count = 128;
// IP and TCP headers with all options, or an ICMP error with the packet that it quotes.
constexpr std::uint32_t octets_of_headers = 192;
constexpr std::uint32_t octets_of_packets = 0x40000;

/// The socket captures on all interfaces: this filter drops packets that cannot belong to our sockets before they
/// reach the ring.
std::array<sock_filter, 9> make_packet_filter(std::uint32_t octets) {
  const auto auxiliary = [](int field) { return static_cast<std::uint32_t>(SKF_AD_OFF + field); };
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

}  // namespace

result<net::unique_fd> open_packet_socket() {
  // Protocol 0: captures nothing until the ring is set up.
  net::unique_fd made(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made) return fail(last_system_error(), context);
  return made;
}

result<capture> capture::start(net::unique_fd socket, depth captured) {
  auto filter = make_packet_filter(captured == depth::whole ? octets_of_packets : octets_of_headers);
  auto ring = net::packet_ring::start(
      std::move(socket),
      {.block_size = (captured == depth::whole ? ring_of_packets : ring_of_headers) / block_count,
       .block_count = block_count,
       .longest_delay = longest_delay,
       .filter = filter},
      context);
  if (!ring) return unexpected(ring.error());
  return capture(std::move(*ring), captured);
}

void capture::drain(const std::function<void(packet)>& take) {
  ring_.drain([&](const net::packet_ring::frame& frame) {
    auto parsed = parse_packet(frame.octets, frame.length);
    if (!parsed) return;
    if (depth_ == depth::whole) parsed->octets.assign(frame.octets.begin(), frame.octets.end());
    parsed->time = frame.time;
    parsed->interface = static_cast<std::uint32_t>(frame.link->sll_ifindex);
    parsed->is_outgoing = frame.link->sll_pkttype == PACKET_OUTGOING;
    take(*std::move(parsed));
  });
}

std::uint64_t capture::dropped() noexcept { return dropped_ += ring_.take_dropped(); }

std::string name_of_interface(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(index, name.data()) == nullptr) return fmt::format("if{}", index);
  return name.data();
}

}  // namespace netlab::trace
