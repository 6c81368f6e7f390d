// SPDX-License-Identifier: MIT
// Sends and receives packets without the kernel's TCP and UDP (packet(7), raw(7)); needs CAP_NET_RAW.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"
#include "net/packet_ring.hpp"
#include "scan/finding.hpp"
#include "scan/io/outgoing_packet.hpp"
#include "scan/io/xdp_sender.hpp"
#include "scan/packet_clock.hpp"

namespace netlab::scan {

struct incoming_packet {
  bool is_arp = false;
  std::uint32_t interface = 0;
  mac_address from{};
  time_point at;
  bytes_view octets;
};

class packet_socket {
 public:
  static constexpr std::size_t max_batch = 256;

  /// Whether this process may have one. Fails with errc::not_permitted without CAP_NET_RAW.
  [[nodiscard]] static result<void> check();

  /// Receives what comes to the `port_count` ports from `first_port` on, ICMP errors, and answers of neighbours. Fails
  /// with errc::not_permitted without CAP_NET_RAW, else with the system's error.
  [[nodiscard]] static result<packet_socket> open(transport protocol, std::uint16_t first_port,
                                                  std::uint16_t port_count);
  packet_socket(packet_socket&&) noexcept;
  packet_socket& operator=(packet_socket&&) noexcept;
  ~packet_socket();

  /// Sends the first packets of at most max_batch; returns their number. If it is less than all, `error` says why the
  /// next one was refused.
  [[nodiscard]] std::size_t send(std::span<const outgoing_packet> packets, int& error);

  /// Whether packets that send() took still wait for a busy interface. receive() offers them again.
  [[nodiscard]] bool has_queued() const noexcept;

  /// Passes on the packets that have arrived.
  void receive(const std::function<void(const incoming_packet&)>& take);
  /// Becomes readable when packets have arrived.
  [[nodiscard]] int fd() const noexcept { return ring_.descriptor(); }

  /// Packets that were lost because the ring was full, since the last call.
  [[nodiscard]] std::uint64_t dropped() noexcept { return ring_.take_dropped(); }

 private:
  struct batch;
  packet_socket();
  [[nodiscard]] std::size_t send_out(std::span<const outgoing_packet> packets, int& error);
  [[nodiscard]] std::size_t send_local(std::span<const outgoing_packet> packets, int& error);
  /// The sender for the packet's interface, opened when it is first needed; null: it has none.
  [[nodiscard]] std::unique_ptr<xdp_sender>& xdp_for(const outgoing_packet& packet);

  net::unique_fd sender_;  // these three are opened when they are needed
  net::unique_fd raw_v4_;
  net::unique_fd raw_v6_;
  std::unique_ptr<batch> batch_;
  std::map<std::uint32_t, std::unique_ptr<xdp_sender>> xdp_;  // by interface
  net::packet_ring ring_;
  packet_clock clock_;
};

}  // namespace netlab::scan
