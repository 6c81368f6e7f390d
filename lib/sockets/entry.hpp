// SPDX-License-Identifier: MIT
// What the kernel tells of one socket, and the words for it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netlab::sockets {

enum class transport : std::uint8_t { tcp, udp };
[[nodiscard]] std::string_view name_of(transport which) noexcept;

/// The kernel's numbers (linux/tcp_states.h). A UDP socket is `established` once it is connected, else `closed`.
enum class state : std::uint8_t {
  established = 1,
  syn_sent,
  syn_received,
  fin_wait_1,
  fin_wait_2,
  time_wait,
  closed,
  close_wait,
  last_ack,
  listen,
  closing,
  new_syn_received,  ///< a request for a connection, before there is a socket
};

/// `listen`, `time-wait`; for UDP `unconnected` and `connected`.
[[nodiscard]] std::string_view name_of(transport over, state which) noexcept;

/// An address and a port. An IPv4 address has the first 4 octets.
struct endpoint {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;

  [[nodiscard]] bool is_unspecified() const noexcept { return address == std::array<std::uint8_t, 16>{}; }
  auto operator<=>(const endpoint&) const = default;
};

/// `127.0.0.1:80`, `[fe80::1%eth0]:22` (RFC 5952).
[[nodiscard]] std::string to_string(const endpoint& of, std::string_view interface = {});

enum class timer_kind : std::uint8_t { none, retransmit, keepalive, time_wait, probe, delayed_ack };
[[nodiscard]] std::string_view name_of(timer_kind which) noexcept;

struct timer {
  timer_kind kind = timer_kind::none;
  std::uint32_t left_ms = 0;
  std::uint8_t retries = 0;
};

/// What only TCP knows of a connection.
struct tcp_details {
  std::string congestion;         ///< `cubic`
  std::uint32_t rtt_us = 0;       ///< smoothed; 0: nothing measured
  std::uint32_t window = 0;       ///< the congestion window, in segments
  std::uint32_t mss = 0;          ///< octets in a segment that is sent
  std::uint32_t retransmits = 0;  ///< segments, since the beginning
};

struct entry {
  transport protocol = transport::tcp;
  sockets::state state = state::closed;
  endpoint local;
  endpoint remote;
  std::uint32_t recv_queue = 0;  ///< octets; of a listener, connections that wait for accept()
  std::uint32_t send_queue = 0;  ///< octets; of a listener, how many may wait
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;      ///< 0: no file stands for it any more
  std::uint32_t interface = 0;  ///< that it is bound to; 0: none
  std::uint64_t cookie = 0;     ///< the kernel's name for it, never used twice
  sockets::timer timer;
  std::optional<tcp_details> details;

  /// Waits for anybody: a TCP listener, a UDP socket without a peer.
  [[nodiscard]] bool is_listening() const noexcept {
    return state == (protocol == transport::tcp ? state::listen : state::closed);
  }
  /// Has another end.
  [[nodiscard]] bool has_remote() const noexcept { return remote.port != 0 || !remote.is_unspecified(); }
};

/// A process that has the socket open.
struct owner {
  std::int32_t pid = 0;
  std::int32_t fd = 0;
  std::string name;  ///< as in /proc/PID/comm: the program's choice, to be escaped

  bool operator==(const owner&) const = default;
};

/// A line of the table.
struct row {
  entry socket;
  std::string interface;  ///< the name of socket.interface, or empty
  std::vector<owner> owners;
};

}  // namespace netlab::sockets
