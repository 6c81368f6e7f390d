// SPDX-License-Identifier: MIT
// Links a packet to the call that sent it.
#include <algorithm>

#include "trace/correlate.hpp"

namespace netlab::trace {
namespace {

template <class Queue, class Id>
void push_bounded_arrival(Queue& to, Id id, std::size_t most) {
  if (to.size() == most) to.pop_front();
  to.push_back(id);
}

// For an end that is not traced, or not yet known to be: enough for the packets before accept() returns.
constexpr std::size_t max_unclaimed_segments = 64;

}  // namespace

void correlator::link_tcp(packet_id id, linked_packet& linked) {
  const packet& details = linked.details;
  if (details.is_fragment) return;
  if (details.has(tcp_flag::syn) && !details.has(tcp_flag::ack)) link_syn(id, details);
  const auto found = connections_.find(make_flow_key(details.source, details.destination));
  if (found == connections_.end()) return;
  link_segment(id, linked, found->second, found->second.side_of(details.source));
}

void correlator::link_syn(packet_id id, const packet& syn) {
  const flow_key key = make_flow_key(syn.source, syn.destination);
  connection& on = connections_[key];
  const bool is_repeated = on.syn != 0 && on.out[on.side_of(syn.source)].initial_sequence() == syn.sequence;
  if (is_repeated) return;
  if (on.syn != 0 || on.out[0].is_known() || on.out[1].is_known()) on = {};  // the ports are reused
  const bool is_claimed = on.is_claimed();
  on.syn = id;
  if (!is_claimed) {
    on.ends[0].where = syn.source;
    on.ends[1].where = syn.destination;
  }
  const std::size_t side = on.side_of(syn.source);
  on.out[side].begin_at(syn.sequence);
  if (socket_state* listener = find_listener(syn.destination)) on.ends[1 - side].listener = listener->facts.id;
  if (on.ends[side].socket == 0) {
    // The socket's local address is known only after connect(): until then it must be the only one connecting there.
    socket_state* only = nullptr;
    std::size_t count = 0;
    for (const call_id each : connecting_) {
      const linked_call* call = find_linked_call(each);
      if (call == nullptr || call->details.target != syn.destination) continue;
      socket_state* socket = find(call->details.socket);
      if (socket == nullptr || socket->has_flow) continue;
      if (socket->facts.local && socket->facts.local->port != 0 && socket->facts.local->port != syn.source.port)
        continue;
      only = socket;
      ++count;
    }
    if (count == 1) {
      only->facts.local = syn.source;
      only->facts.remote = syn.destination;
      claim_end(on, side, *only);
    }
  }
  if (!on.is_claimed()) {
    unclaimed_.emplace_back(key, syn.time);
    expire_unclaimed();
  }
}

void correlator::link_segment(packet_id id, linked_packet& linked, connection& on, std::size_t side) {
  const packet& details = linked.details;
  const std::size_t other = 1 - side;
  direction& out = on.out[side];
  linked.is_ours = on.is_claimed();
  linked.receiver = on.ends[other].owner();

  const bool is_syn = details.has(tcp_flag::syn);
  if (!out.is_known()) {
    if (is_syn)
      out.begin_at(details.sequence);
    else
      out.begin_at(details.sequence - 1, out.sent);  // opened before the trace: count from the octets sent since
  }
  linked.offset = is_syn ? 0 : out.offset_of(details.sequence);
  if (is_syn && details.has(tcp_flag::ack)) {
    linked.is_retransmission = on.syn_ack != 0;
    if (on.syn_ack == 0) on.syn_ack = id;
  } else if (is_syn) {
    linked.is_retransmission = on.syn != id;
  } else if (on.handshake_ack == 0 && on.syn_ack != 0 && side == 0 && !details.has(tcp_flag::rst)) {
    on.handshake_ack = id;
  }
  const bool is_probe =
      !is_syn && details.payload <= 1 && linked.offset + 1 == out.highest() && !details.has(tcp_flag::fin);
  if (is_probe) {
    linked.role = packet_role::keep_alive;
  } else if (details.payload > 0) {
    linked.is_retransmission = out.see(linked.offset, details.payload);
    if (!linked.is_retransmission && (on.ends[other].socket != 0 || out.segments.size() < max_unclaimed_segments))
      out.segments.add({linked.offset, linked.offset + details.payload, id});
  }
  if (details.has(tcp_flag::fin)) {
    if (details.payload == 0) linked.is_retransmission = out.fin != 0;
    if (out.fin == 0) out.fin = id;
  }
  if (details.has(tcp_flag::rst) && out.reset == 0) out.reset = id;
  link_sender(id, linked, on, side);
  link_arrival(id, linked, on, side);
  if (details.has(tcp_flag::ack) && !details.has(tcp_flag::rst)) {
    out.acknowledged = details.acknowledged;
    out.window = details.window;
    out.has_acknowledged = true;
    direction& back = on.out[other];
    if (back.is_known()) back.sends.drop_before(std::min(back.offset_of(details.acknowledged), back.highest()));
  }
}

void correlator::link_sender(packet_id id, linked_packet& linked, connection& on, std::size_t side) {
  const packet& details = linked.details;
  linked.sender = on.ends[side].owner();
  const socket_state* sender = find(on.ends[side].socket);
  if (details.has(tcp_flag::rst)) {
    link_reset(id, linked, on, side);
  } else if (details.has(tcp_flag::syn) && details.has(tcp_flag::ack)) {
    if (const socket_state* listener = find(on.ends[side].listener)) {
      linked.role = packet_role::handshake;
      linked.calls = {listener->listening};
      std::erase(linked.calls, call_id{0});
    }
  } else if (sender == nullptr) {
    // The kernel answers for a listening socket before accept() has created the new one.
    if (on.ends[side].listener != 0 && details.payload == 0 && !details.has(tcp_flag::fin))
      linked.role = packet_role::acknowledgement;
  } else if (details.has(tcp_flag::syn)) {
    linked.role = packet_role::sent_by_call;
    add_sender(id, linked, sender->connecting);
  } else if (linked.role == packet_role::keep_alive) {
    return;
  } else if (details.payload > 0 || details.has(tcp_flag::fin)) {
    linked.role = packet_role::sent_by_call;
    if (details.payload > 0) link_data(id, linked, on.out[side], *sender);
    if (details.has(tcp_flag::fin)) add_sender(id, linked, sender->shutting != 0 ? sender->shutting : sender->ending);
  } else if (id == on.handshake_ack) {
    linked.role = packet_role::handshake;
  } else {
    const direction& out = on.out[side];
    const bool is_update =
        out.has_acknowledged && out.acknowledged == details.acknowledged && out.window != details.window;
    linked.role = is_update ? packet_role::window_update : packet_role::acknowledgement;
  }
}

void correlator::link_data(packet_id id, linked_packet& linked, direction& from, const socket_state& sender) {
  const std::uint64_t end = linked.offset + linked.details.payload;
  for (const call_id by : from.sends.owners(linked.offset, end)) add_sender(id, linked, by);
  // Octets beyond those of returned calls belong to the current call.
  if (end > from.sent) add_sender(id, linked, sender.sending);
}

void correlator::link_reset(packet_id id, linked_packet& linked, connection& on, std::size_t side) {
  linked.role = packet_role::reset;
  const bool is_refusal = on.syn_ack == 0 && side == 1 && linked.details.has(tcp_flag::ack);
  const socket_state* sender = find(on.ends[side].socket);
  if (is_refusal) {
    linked.reason = "no socket listens on this port";
  } else if (sender != nullptr && sender->ending != 0) {
    const linked_call* ending = find_linked_call(sender->ending);
    const linked_packet* fin = find_linked(on.out[side].fin);
    linked.reason = ending != nullptr && ending->details.kind == call_kind::exit
                        ? "the process ended with octets unread, or octets came after its end"
                    : fin != nullptr ? "octets came for a socket that is closed"
                                     : "closed with octets unread (or SO_LINGER of 0)";
    add_sender(id, linked, sender->ending);
  } else if (on.ends[side].listener != 0 && sender == nullptr) {
    linked.reason = "the connection was not accepted";
  }
}

/// Records what a call on the other end may wait for.
void correlator::link_arrival(packet_id id, const linked_packet& linked, connection& on, std::size_t side) {
  const packet& details = linked.details;
  const std::size_t other = 1 - side;
  if (id == on.handshake_ack)
    if (socket_state* listener = find(on.ends[other].listener))
      push_bounded_arrival(listener->arrivals, id, max_arrivals);
  socket_state* receiver = find(on.ends[other].socket);
  if (receiver == nullptr) return;
  if (std::ranges::find(receiver->arrivals, id) != receiver->arrivals.end()) return;
  const bool is_awaited = details.payload > 0 ||
                          (details.flags & (tcp_flag::syn | tcp_flag::fin | tcp_flag::rst)) != 0 ||
                          linked.role == packet_role::window_update;
  if (is_awaited) push_bounded_arrival(receiver->arrivals, id, max_arrivals);
  if (details.has(tcp_flag::rst)) push_bounded_arrival(receiver->errors, id, max_arrivals);
}

bool correlator::has_sent(const call& details, const socket_state& socket, const packet& datagram) const {
  const auto& target = details.target ? details.target : socket.facts.remote;
  if (target && *target != datagram.destination) return false;
  if (!details.datagrams.empty())
    return std::ranges::find(details.datagrams, datagram.payload) != details.datagrams.end();
  return details.asked == datagram.payload || (details.asked == 0 && !details.returned);
}

correlator::socket_state* correlator::find_datagram_sender(const packet& details) {
  if (const auto at = by_port_.find(details.source.port); at != by_port_.end()) {
    for (const socket_id id : at->second) {
      socket_state* socket = find(id);
      if (socket != nullptr && socket->facts.protocol == protocol::udp && socket->facts.local &&
          is_bound_for(*socket->facts.local, details.source))
        return socket;
    }
  }
  // The first sendto() of a socket binds its port.
  for (const call_id each : sending_datagrams_) {
    const linked_call* call = find_linked_call(each);
    socket_state* socket = call == nullptr ? nullptr : find(call->details.socket);
    if (socket == nullptr || (socket->facts.local && socket->facts.local->port != 0)) continue;
    if (!has_sent(call->details, *socket, details)) continue;
    socket_facts facts = socket->facts;
    facts.local = details.source;
    learn_now(facts);
    return find(facts.id);
  }
  return nullptr;
}

correlator::socket_state* correlator::find_datagram_receiver(const packet& details) {
  const auto at = by_port_.find(details.destination.port);
  if (at == by_port_.end()) return nullptr;
  socket_state* best = nullptr;
  for (const socket_id id : at->second) {
    socket_state* socket = find(id);
    if (socket == nullptr || socket->facts.protocol != protocol::udp || !socket->facts.local) continue;
    if (!is_bound_for(*socket->facts.local, details.destination)) continue;
    if (socket->facts.remote && *socket->facts.remote != details.source) continue;
    if (best == nullptr || socket->facts.remote) best = socket;  // a connected socket is preferred
  }
  return best;
}

void correlator::link_udp(packet_id id, linked_packet& linked) {
  const packet& details = linked.details;
  if (details.is_fragment) return;
  if (socket_state* sender = find_datagram_sender(details)) {
    linked.is_ours = true;
    linked.sender = sender->facts.id;
    linked.role = packet_role::sent_by_call;
    auto& waiting = sender->datagram_sends;
    const auto by = std::ranges::find_if(waiting, [&](call_id each) {
      const linked_call* call = find_linked_call(each);
      return call != nullptr && has_sent(call->details, *sender, details);
    });
    if (by != waiting.end()) {
      const call_id sent_by = *by;
      add_sender(id, linked, sent_by);
      const linked_call* call = find_linked_call(sent_by);
      if (call->sent.size() >= std::max<std::size_t>(call->details.datagrams.size(), 1) && call->details.asked > 0)
        waiting.erase(by);
    }
  }
  if (socket_state* receiver = find_datagram_receiver(details)) {
    linked.is_ours = true;
    linked.receiver = receiver->facts.id;
    push_bounded_arrival(receiver->datagrams, id, max_datagrams);
    push_bounded_arrival(receiver->arrivals, id, max_arrivals);
  }
}

void correlator::link_icmp(packet_id id, linked_packet& linked) {
  if (!linked.details.icmp) return;
  const icmp_error& error = *linked.details.icmp;
  socket_state* about = nullptr;
  if (error.about == protocol::udp) {
    packet asked{.protocol = protocol::udp, .source = error.source, .destination = error.destination};
    about = find_datagram_sender(asked);
  } else if (const auto on = connections_.find(make_flow_key(error.source, error.destination));
             on != connections_.end()) {
    about = find(on->second.ends[on->second.side_of(error.source)].socket);
    linked.is_ours = on->second.is_claimed();
  }
  if (about == nullptr) return;
  linked.is_ours = true;
  linked.role = packet_role::icmp_error;
  linked.receiver = about->facts.id;
  push_bounded_arrival(about->errors, id, max_arrivals);
  push_bounded_arrival(about->arrivals, id, max_arrivals);
}

}  // namespace netlab::trace
