// SPDX-License-Identifier: MIT
// The floor of a half-open scan's sending: the same system calls with packets that are already made.
//
//     floor INTERFACE DESTINATION-MAC SOURCE DESTINATION SECONDS
//
// Sends IPv4 SYNs through a packet socket with sendmmsg and PACKET_QDISC_BYPASS, 256 at a time, and prints packets a
// second. Linux only; needs CAP_NET_RAW. Sends to whatever it is told: use it in network namespaces.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int count, char** words) {
  if (count != 6) return 64;
  constexpr std::size_t batch = 256;
  constexpr std::size_t size = 44;
  const int socket = ::socket(AF_PACKET, SOCK_DGRAM, 0);
  const int on = 1;
  ::setsockopt(socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  std::array<std::array<std::uint8_t, size>, batch> packets{};
  std::array<sockaddr_ll, batch> links{};
  std::array<iovec, batch> octets{};
  std::array<mmsghdr, batch> messages{};
  for (std::size_t at = 0; at < batch; ++at) {
    auto& packet = packets[at];
    packet[0] = 0x45;
    packet[3] = size;
    packet[8] = 64;
    packet[9] = 6;
    ::inet_pton(AF_INET, words[3], &packet[12]);
    ::inet_pton(AF_INET, words[4], &packet[16]);
    packet[32] = 0x60;
    packet[33] = 2;
    links[at].sll_family = AF_PACKET;
    links[at].sll_protocol = htons(ETH_P_IP);
    links[at].sll_ifindex = static_cast<int>(::if_nametoindex(words[1]));
    links[at].sll_halen = 6;
    std::array<unsigned, 6> mac{};
    if (std::sscanf(words[2], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6)
      return 64;
    for (std::size_t octet = 0; octet < 6; ++octet) links[at].sll_addr[octet] = static_cast<unsigned char>(mac[octet]);
    octets[at] = {packet.data(), size};
    messages[at].msg_hdr = {&links[at], sizeof links[at], &octets[at], 1, nullptr, 0, 0};
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::duration<double>(std::strtod(words[5], nullptr));
  std::uint64_t sent = 0;
  auto now = begin;
  for (; now < end; now = std::chrono::steady_clock::now()) {
    const int done = ::sendmmsg(socket, messages.data(), batch, 0);
    if (done > 0) sent += static_cast<std::uint64_t>(done);
    if (done < 0) {
      std::perror("sendmmsg");
      return 71;
    }
  }
  std::printf("%.0f\n", static_cast<double>(sent) / std::chrono::duration<double>(now - begin).count());
  return 0;
}
