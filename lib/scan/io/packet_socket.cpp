// SPDX-License-Identifier: MIT
#include "scan/io/packet_socket.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "scan/io/socket.hpp"

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36  // Linux 4.5
#endif

namespace netlab::scan {
namespace {

// An answer takes about 150 octets of the ring: it holds 100,000 of them, a seventh of a second at full speed.
constexpr std::size_t answer_ring_block = std::size_t{1} << 17;
constexpr std::size_t answer_ring_blocks = 128;
// The kernel hands over a block that is not full after this time. It does not affect round-trip times, because each
// packet has its own timestamp.
constexpr std::chrono::milliseconds answer_delay{2};
// Enough for a TCP segment without data, and for an ICMP error that quotes headers with all their options.
constexpr std::uint32_t answer_octets = 256;
// A UDP reply, as much as Ethernet carries of it.
constexpr std::uint32_t reply_octets = 1500;

/// Offsets are from the network header, because the socket is of type SOCK_DGRAM. ICMP types without `reason_of()` are
/// sorted out later.
std::array<sock_filter, 31> make_answer_filter(transport protocol, std::uint16_t first_port, std::uint16_t port_count) {
  const std::uint32_t answer_protocol = protocol == transport::tcp ? IPPROTO_TCP : IPPROTO_UDP;
  const auto auxiliary = [](int offset) { return static_cast<std::uint32_t>(SKF_AD_OFF + offset); };
  const std::uint32_t last_port = first_port + std::uint32_t{port_count} - 1;
  constexpr std::uint8_t take_reply = 28;
  constexpr std::uint8_t take = 29;
  constexpr std::uint8_t drop = 30;
  // Jumps are relative to the next instruction.
  const auto to = [](std::uint8_t target, std::uint8_t from) { return static_cast<std::uint8_t>(target - from - 1); };
  return {{
      /* 0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, auxiliary(SKF_AD_PROTOCOL)),
      /* 1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, to(5, 1), 0),
      /* 2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, to(16, 2), 0),
      /* 3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, to(drop, 3)),
      /* 4 */ BPF_STMT(BPF_RET | BPF_K, answer_octets),
      /* 5: IPv4 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
      /* 6: a later fragment */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, to(drop, 6), 0),
      /* 7 */ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      /* 8 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
      /* 9 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, answer_protocol, to(14, 9), 0),
      /* 10 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, to(drop, 10)),
      /* 11 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
      /* 12 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_DEST_UNREACH, to(take, 12), 0),
      /* 13 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_TIME_EXCEEDED, to(take, 13), to(drop, 13)),
      /* 14 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
      /* 15 */ BPF_JUMP(BPF_JMP | BPF_JA, to(26, 15), 0, 0),
      /* 16: IPv6 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
      /* 17 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, answer_protocol, to(25, 17), 0),
      /* 18 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_FRAGMENT, to(23, 18), 0),
      /* 19 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, to(drop, 19)),
      /* 20 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40),
      /* 21: errors are below 128 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 128, 0, to(take, 21)),
      /* 22: neighbour advertisement */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, to(take, 22), to(drop, 22)),
      /* 23: a fragment */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40),
      /* 24 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, answer_protocol, to(take_reply, 24), to(drop, 24)),
      /* 25 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 42),
      /* 26: the port */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first_port, 0, to(drop, 26)),
      /* 27 */ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_port, to(drop, 27), 0),
      /* 28 */ BPF_STMT(BPF_RET | BPF_K, protocol == transport::tcp ? answer_octets : reply_octets),
      /* 29: ICMP */ BPF_STMT(BPF_RET | BPF_K, answer_octets),
      /* 30 */ BPF_STMT(BPF_RET | BPF_K, 0),
  }};
}

/// Protocol 0: it receives nothing until it is bound to another one. None: errno says why.
net::unique_fd open_packet_socket() {
  return net::unique_fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

auto cannot_open() {
  const std::error_code why = last_system_error();
  if (why == std::errc::operation_not_permitted || why == std::errc::permission_denied)
    return fail(errc::not_permitted, "a packet socket needs the capability CAP_NET_RAW");
  return fail(why, "open a packet socket");
}

result<net::packet_ring> open_ring(transport protocol, std::uint16_t first_port, std::uint16_t port_count) {
  net::unique_fd receiver = open_packet_socket();
  if (!receiver) return cannot_open();
  auto filter = make_answer_filter(protocol, first_port, port_count);
  // Otherwise the loopback interface shows each packet twice; on an older kernel, the second one is a duplicate.
  return net::packet_ring::start(std::move(receiver),
                                 {.block_size = answer_ring_block,
                                  .block_count = answer_ring_blocks,
                                  .longest_delay = answer_delay,
                                  .filter = filter,
                                  .only_incoming = true},
                                 "receive packets");
}

/// For packets to a link. None: errno says why.
net::unique_fd open_sender() {
  net::unique_fd made = open_packet_socket();
  if (!made) return made;
  const int on = 1;
  // Without its own queue discipline the interface is reached sooner; a kernel before 3.14 does not know the option.
  static_cast<void>(::setsockopt(made.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on));
  enlarge_send_buffer(made.get());
  return made;
}

/// Takes packets with their headers; protocol IPPROTO_RAW: receives nothing. None: errno says why.
net::unique_fd open_raw_socket(bool is_v6) {
  net::unique_fd made(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  const int on = 1;
  if (made && is_v6 && ::setsockopt(made.get(), IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof on) != 0) return {};
  return made;
}

}  // namespace

/// The arrays of a call to sendmmsg(2).
struct packet_socket::batch {
  std::array<mmsghdr, max_batch> messages{};
  std::array<iovec, max_batch> octets{};
  std::array<sockaddr_ll, max_batch> links{};
  std::array<socket_address, max_batch> hosts{};
};

packet_socket::packet_socket() : batch_(std::make_unique<batch>()), clock_(answer_delay) {}
packet_socket::packet_socket(packet_socket&& other) noexcept : clock_(answer_delay) { *this = std::move(other); }
packet_socket& packet_socket::operator=(packet_socket&& other) noexcept {
  std::swap(sender_, other.sender_);
  std::swap(raw_v4_, other.raw_v4_);
  std::swap(raw_v6_, other.raw_v6_);
  std::swap(batch_, other.batch_);
  std::swap(xdp_, other.xdp_);
  std::swap(ring_, other.ring_);
  return *this;
}
packet_socket::~packet_socket() = default;

result<void> packet_socket::check() {
  // A raw socket needs the same capability; to close a packet socket takes some 15 ms (synchronize_net() in Linux).
  if (!open_raw_socket(false)) return cannot_open();
  return {};
}

result<packet_socket> packet_socket::open(transport protocol, std::uint16_t first_port, std::uint16_t port_count) {
  packet_socket made;
  auto ring = open_ring(protocol, first_port, port_count);
  if (!ring) return unexpected(ring.error());
  made.ring_ = std::move(*ring);
  return made;
}

std::size_t packet_socket::send(std::span<const outgoing_packet> packets, int& error) {
  std::size_t done = 0;
  error = 0;
  while (done < packets.size() && error == 0) {
    const auto rest = packets.subspan(done);
    const auto other = std::ranges::find_if(rest, [&](const outgoing_packet& each) {
      return each.is_local != rest.front().is_local ||
             (each.is_local ? each.protocol != rest.front().protocol : each.interface != rest.front().interface);
    });
    const auto run = rest.first(std::min<std::size_t>(static_cast<std::size_t>(other - rest.begin()), max_batch));
    done += run.front().is_local ? send_local(run, error) : send_out(run, error);
  }
  return done;
}

std::unique_ptr<xdp_sender>& packet_socket::xdp_for(const outgoing_packet& packet) {
  const auto [found, is_new] = xdp_.try_emplace(packet.interface);
  if (is_new && packet.from != mac_address{}) found->second = xdp_sender::open(packet.interface);
  return found->second;
}

std::size_t packet_socket::send_out(std::span<const outgoing_packet> packets, int& error) {
  if (auto& xdp = xdp_for(packets.front()); xdp) {
    const std::size_t done = xdp->send(packets, error);
    if (error != 0 && error != EAGAIN) xdp.reset();  // from now on the packet socket says what is wrong
    return done;
  }
  if (!sender_) sender_ = open_sender();
  if (!sender_) {
    error = errno;
    return 0;
  }
  for (std::size_t at = 0; at < packets.size(); ++at) {
    const outgoing_packet& each = packets[at];
    sockaddr_ll& link = batch_->links[at];
    link.sll_family = AF_PACKET;
    link.sll_protocol = ether_type_of(each.protocol);
    link.sll_ifindex = static_cast<int>(each.interface);
    link.sll_halen = static_cast<unsigned char>(each.to.size());
    std::memcpy(link.sll_addr, each.to.data(), each.to.size());
    batch_->octets[at] = {const_cast<std::byte*>(each.octets.data()), each.size};  // NOLINT: it is only read
    msghdr& message = batch_->messages[at].msg_hdr;
    message.msg_name = &link;
    message.msg_namelen = sizeof link;
    message.msg_iov = &batch_->octets[at];
    message.msg_iovlen = 1;
  }
  const int sent =
      ::sendmmsg(sender_.get(), batch_->messages.data(), static_cast<unsigned>(packets.size()), MSG_DONTWAIT);
  if (sent <= 0) {
    error = errno;
    return 0;
  }
  return static_cast<std::size_t>(sent);
}

std::size_t packet_socket::send_local(std::span<const outgoing_packet> packets, int& error) {
  const bool is_v6 = packets.front().protocol == outgoing_packet::kind::ipv6;
  net::unique_fd& socket = is_v6 ? raw_v6_ : raw_v4_;
  if (!socket) socket = open_raw_socket(is_v6);
  if (!socket) {
    error = errno;
    return 0;
  }
  for (std::size_t at = 0; at < packets.size(); ++at) {
    const outgoing_packet& each = packets[at];
    batch_->hosts[at] = socket_address(each.local_to, 0);
    batch_->octets[at] = {const_cast<std::byte*>(each.octets.data()), each.size};  // NOLINT: it is only read
    msghdr& message = batch_->messages[at].msg_hdr;
    message.msg_name = &batch_->hosts[at].any;
    message.msg_namelen = batch_->hosts[at].size;
    message.msg_iov = &batch_->octets[at];
    message.msg_iovlen = 1;
  }
  const int sent =
      ::sendmmsg(socket.get(), batch_->messages.data(), static_cast<unsigned>(packets.size()), MSG_DONTWAIT);
  if (sent <= 0) {
    error = errno;
    return 0;
  }
  return static_cast<std::size_t>(sent);
}

bool packet_socket::has_queued() const noexcept {
  return std::ranges::any_of(xdp_, [](const auto& each) { return each.second && each.second->has_queued(); });
}

void packet_socket::receive(const std::function<void(const incoming_packet&)>& take) {
  for (auto& [interface, xdp] : xdp_)
    if (const int error = xdp ? xdp->flush() : 0; error != 0 && error != EAGAIN) xdp.reset();
  clock_.update(clock::now(), std::chrono::system_clock::now().time_since_epoch());
  ring_.drain([&](const net::packet_ring::frame& frame) {
    incoming_packet packet;
    packet.is_arp = frame.link->sll_protocol == htons(ETH_P_ARP);
    packet.interface = static_cast<std::uint32_t>(frame.link->sll_ifindex);
    std::memcpy(packet.from.data(), frame.link->sll_addr, packet.from.size());
    packet.at = clock_.at(frame.time);
    packet.octets = frame.octets;
    take(packet);
  });
}

}  // namespace netlab::scan
