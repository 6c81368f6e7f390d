// SPDX-License-Identifier: MIT
#include "trace/tcp_states.hpp"

namespace netlab::trace {
namespace {

tcp_state after_fin_sent(tcp_state now) {
  using enum tcp_state;
  switch (now) {
    case established:
    case syn_received: return fin_wait_1;
    case close_wait: return last_ack;
    default: return now;
  }
}

tcp_state after_fin_came(tcp_state now) {
  using enum tcp_state;
  switch (now) {
    case established:
    case syn_received: return close_wait;
    case fin_wait_1: return closing;
    case fin_wait_2: return time_wait;
    default: return now;
  }
}

tcp_state after_fin_acknowledged(tcp_state now) {
  using enum tcp_state;
  switch (now) {
    case fin_wait_1: return fin_wait_2;
    case closing: return time_wait;
    case last_ack: return closed;
    default: return now;
  }
}

}  // namespace

std::string_view name_of(tcp_state which) noexcept {
  using enum tcp_state;
  switch (which) {
    case closed: return "CLOSED";
    case listen: return "LISTEN";
    case syn_sent: return "SYN-SENT";
    case syn_received: return "SYN-RECEIVED";
    case established: return "ESTABLISHED";
    case fin_wait_1: return "FIN-WAIT-1";
    case fin_wait_2: return "FIN-WAIT-2";
    case close_wait: return "CLOSE-WAIT";
    case closing: return "CLOSING";
    case last_ack: return "LAST-ACK";
    case time_wait: return "TIME-WAIT";
  }
  return "?";
}

packet_states tcp_state_tracker::see(const packet& segment) {
  using enum tcp_state;
  if (connections_.size() >= max_connections) connections_.clear();
  pair& on = connections_[make_flow_key(segment.source, segment.destination)];
  if (on.first.port == 0) {
    on.first = segment.source;
    // If the first packet seen is not a SYN, the connection was established before.
    if (!segment.has(tcp_flag::syn) && !segment.has(tcp_flag::rst)) on.sides[0].state = on.sides[1].state = established;
  }
  side& from = on.sides[on.first == segment.source ? 0 : 1];
  side& to = on.sides[on.first == segment.source ? 1 : 0];
  const tcp_state from_before = from.state;
  tcp_state to_before = to.state;
  const bool is_syn = segment.has(tcp_flag::syn);
  const bool is_ack = segment.has(tcp_flag::ack);
  if (is_syn && !is_ack) {
    if (to.state == closed || to.state == time_wait) to = {.state = listen};
    to_before = to.state;
    from = {.state = syn_sent};
  } else if (is_syn) {
    from.state = syn_received;
    if (to.state == syn_sent) to.state = established;
  } else if (segment.has(tcp_flag::rst)) {
    from.state = to.state = closed;
  } else {
    if (is_ack && to.state == syn_received) to.state = established;
    if (is_ack && to.has_sent_fin && segment.acknowledged == to.after_fin) to.state = after_fin_acknowledged(to.state);
    if (segment.has(tcp_flag::fin) && !from.has_sent_fin) {
      from.has_sent_fin = true;
      from.after_fin = segment.sequence + segment.payload + 1;
      from.state = after_fin_sent(from.state);
      to.state = after_fin_came(to.state);
    }
  }
  return {.sender = from.state,
          .receiver = to.state,
          .sender_changed = from.state != from_before,
          .receiver_changed = to.state != to_before};
}

}  // namespace netlab::trace
