// SPDX-License-Identifier: MIT
// The kernel's information about one socket, and its description in words.
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

/// The kernel's numbers (linux/tcp_states.h). A UDP socket is `established` if it is connected, else `closed`.
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
  new_syn_received,  ///< a connection request for which there is no socket yet
};

/// `listen`, `time-wait`; for UDP `unconnected` and `connected`.
[[nodiscard]] std::string_view name_of(transport over, state which) noexcept;

/// An address and a port. An IPv4 address is in the first 4 octets.
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

/// TCP only.
struct tcp_details {
  std::string congestion;         ///< `cubic`
  std::uint32_t rtt_us = 0;       ///< smoothed; 0: not measured
  std::uint32_t window = 0;       ///< the congestion window in segments
  std::uint32_t mss = 0;          ///< octets per segment sent
  std::uint32_t retransmits = 0;  ///< segments since the start of the connection
};

struct entry {
  transport protocol = transport::tcp;
  sockets::state state = state::closed;
  endpoint local;
  endpoint remote;
  std::uint32_t recv_queue = 0;  ///< octets; of a listener, connections waiting for accept()
  std::uint32_t send_queue = 0;  ///< octets; of a listener, its backlog: the limit of waiting connections
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;      ///< 0: the socket has no file descriptor any more
  std::uint32_t interface = 0;  ///< the interface it is bound to; 0: none
  std::uint64_t cookie = 0;     ///< the kernel's unique ID of the socket; never reused
  sockets::timer timer;
  std::optional<tcp_details> details;

  /// True for a TCP listener and for an unconnected UDP socket.
  [[nodiscard]] bool is_listening() const noexcept {
    return state == (protocol == transport::tcp ? state::listen : state::closed);
  }
  /// True if it has a remote end.
  [[nodiscard]] bool has_remote() const noexcept { return remote.port != 0 || !remote.is_unspecified(); }
};

/// A process that has the socket open.
struct owner {
  std::int32_t pid = 0;
  std::int32_t fd = 0;
  std::string name;  ///< as in /proc/PID/comm; chosen by the program, so escape it

  bool operator==(const owner&) const = default;
};

/// A line of the table.
struct row {
  entry socket;
  std::string interface;  ///< name of socket.interface, or empty
  std::vector<owner> owners;
};

}  // namespace netlab::sockets
