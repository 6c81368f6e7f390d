// SPDX-License-Identifier: MIT
// The TCP states of both ends of a connection, derived from its packets.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>

#include "trace/correlate.hpp"
#include "trace/flow.hpp"

namespace netlab::trace {

/// RFC 9293 §3.3.2.
enum class tcp_state : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};
[[nodiscard]] std::string_view name_of(tcp_state which) noexcept;

/// The states after a packet: of the end that sent it, and of the other end.
struct packet_states {
  tcp_state sender = tcp_state::closed;
  tcp_state receiver = tcp_state::closed;
  bool sender_changed = false;
  bool receiver_changed = false;
};

class tcp_state_tracker {
 public:
  /// Connections tracked; with more, states are reset.
  static constexpr std::size_t max_connections = 10'000;

  /// Takes packets in the order of time.
  packet_states see(const packet& segment);

 private:
  struct side {
    tcp_state state = tcp_state::closed;
    std::uint32_t after_fin = 0;  // acknowledgement number of its FIN
    bool has_sent_fin = false;
  };
  struct pair {
    address first;
    std::array<side, 2> sides;
  };
  std::map<flow_key, pair> connections_;
};

}  // namespace netlab::trace
