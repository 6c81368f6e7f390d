// SPDX-License-Identifier: MIT
#include "trace/correlate.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace netlab::trace {
namespace {

template <class Id>
void add_once(std::vector<Id>& to, Id id) {
  if (to.size() < max_linked_packets && std::ranges::find(to, id) == to.end()) to.push_back(id);
}

template <class Queue, class Id>
void push_bounded(Queue& to, Id id, std::size_t most) {
  if (to.size() == most) to.pop_front();
  to.push_back(id);
}

}  // namespace

std::string_view name_of(packet_role which) noexcept {
  switch (which) {
    case packet_role::unknown: return "unknown";
    case packet_role::sent_by_call: return "call";
    case packet_role::handshake: return "handshake";
    case packet_role::acknowledgement: return "acknowledgement";
    case packet_role::window_update: return "window-update";
    case packet_role::keep_alive: return "keep-alive";
    case packet_role::reset: return "reset";
    case packet_role::icmp_error: return "icmp-error";
  }
  return "?";
}

std::string_view name_of(completion which) noexcept {
  switch (which) {
    case completion::none: return "none";
    case completion::by_packet: return "packet";
    case completion::at_once: return "at-once";
    case completion::timed_out: return "timed-out";
    case completion::interrupted: return "interrupted";
  }
  return "?";
}

// Calls and packets in the order of time.

call_id correlator::enter(call details, std::optional<socket_facts> facts) {
  details.id = ++last_call_;
  const wall_time time = details.entered;
  call_events_.push_back({call_event::kind::enter, time, std::move(details), std::move(facts)});
  return last_call_;
}

void correlator::leave(call details, std::optional<socket_facts> facts) {
  const wall_time time = details.returned.value_or(details.entered);
  call_events_.push_back({call_event::kind::leave, time, std::move(details), std::move(facts)});
}

void correlator::learn(const socket_facts& facts, process_id user, wall_time now) {
  call_events_.push_back({call_event::kind::learn, now, call{.process = user}, facts});
}

void correlator::feed(packet details) { packets_in_.push_back(std::move(details)); }

void correlator::advance(wall_time horizon) {
  while (true) {
    const bool has_call = !call_events_.empty() && call_events_.front().time <= horizon;
    const bool has_packet = !packets_in_.empty() && packets_in_.front().time <= horizon;
    if (!has_call && !has_packet) return;
    if (has_call && (!has_packet || call_events_.front().time <= packets_in_.front().time)) {
      take(call_events_.front());
      call_events_.pop_front();
    } else {
      take(packets_in_.front());
      packets_in_.pop_front();
    }
  }
}

void correlator::finish() { advance(wall_time::max()); }

void correlator::take(call_event& event) {
  switch (event.type) {
    case call_event::kind::enter: begin(event); break;
    case call_event::kind::leave: end(event); break;
    case call_event::kind::learn:
      learn_now(*event.facts);
      if (socket_state* socket = find(event.facts->id); socket != nullptr && socket->user == 0)
        socket->user = event.detail.process;
      break;
  }
}

void correlator::take(packet& details) {
  const packet_id id = ++last_packet_;
  const wall_time time = details.time;
  linked_packet& linked = packets_[id];
  linked.details = std::move(details);
  switch (linked.details.protocol) {
    case protocol::tcp: link_tcp(id, linked); break;
    case protocol::udp: link_udp(id, linked); break;
    case protocol::icmp: link_icmp(id, linked); break;
  }
  // The owner of an end may be known only after connect() or accept() has returned: keep the first packets until
  // then.
  bool may_be_ours = linked.is_ours;
  if (linked.details.protocol == protocol::tcp) {
    const auto on = connections_.find(make_flow_key(linked.details.source, linked.details.destination));
    if (on != connections_.end() && !on->second.is_whole() && on->second.early.size() < connection::max_early) {
      on->second.early.push_back(id);
      may_be_ours = true;
    }
  }
  if (!may_be_ours) {
    packets_.erase(id);
    return;
  }
  octets_ += linked.details.octets.size();
  timeline_.push_back({timeline_entry::kind::packet, id, time});
}

void correlator::begin(call_event& event) {
  const call_id id = event.detail.id;
  if (event.facts) learn_now(*event.facts);
  linked_call& made = calls_[id];
  made.details = std::move(event.detail);
  timeline_.push_back({timeline_entry::kind::call_begins, id, event.time});
  const bool closes_several = made.details.kind == call_kind::close && !made.details.ready.empty();
  if (made.details.kind == call_kind::exit || closes_several) {
    for (const socket_id each : made.details.ready)
      if (socket_state* socket = find(each)) {
        socket->ending = id;
        note_closed(each);
      }
  } else if (socket_state* socket = find(made.details.socket)) {
    if (socket->user == 0) socket->user = made.details.process;
    begin_on(made.details, *socket);
  }
}

void correlator::begin_on(const call& details, socket_state& socket) {
  switch (details.kind) {
    case call_kind::connect:
      socket.connecting = details.id;
      connecting_.push_back(details.id);
      break;
    case call_kind::send:
      socket.sending = details.id;
      if (socket.facts.protocol == protocol::udp) {
        push_bounded(socket.datagram_sends, details.id, max_datagrams);
        sending_datagrams_.push_back(details.id);
      }
      break;
    case call_kind::shutdown:
      if (details.ends_sending) socket.shutting = details.id;
      break;
    case call_kind::close:
      socket.ending = details.id;
      note_closed(details.socket);
      break;
    default: break;
  }
}

void correlator::end(call_event& event) {
  const call_id id = event.detail.id;
  const auto found = calls_.find(id);
  if (event.facts) learn_now(*event.facts);
  if (found == calls_.end()) return;
  linked_call& done = found->second;
  done.details = std::move(event.detail);
  timeline_.push_back({timeline_entry::kind::call_ends, id, event.time});
  if (socket_state* socket = find(done.details.made); socket != nullptr && socket->user == 0)
    socket->user = done.details.process;
  std::erase(connecting_, id);
  std::erase(sending_datagrams_, id);
  if (done.details.kind == call_kind::wait)
    complete_wait(done);
  else if (done.details.kind == call_kind::close && done.details.has_failed())
    take_back_close(done.details);
  else if (socket_state* socket = find(done.details.socket))
    end_on(done, *socket);
}

void correlator::end_on(linked_call& done, socket_state& socket) {
  if (done.details.value == -EINTR || done.details.value <= -512) done.completion = completion::interrupted;
  const bool is_stream = socket.facts.protocol == protocol::tcp;
  switch (done.details.kind) {
    case call_kind::listen:
      if (done.details.value == 0) socket.listening = done.details.id;
      break;
    case call_kind::connect: complete_connect(done, socket); break;
    case call_kind::accept: complete_accept(done); break;
    case call_kind::send:
      if (socket.sending == done.details.id) socket.sending = 0;
      if (is_stream)
        finish_stream_send(done, socket);
      else
        finish_datagram_send(done, socket);
      break;
    case call_kind::receive:
      if (is_stream)
        complete_stream_receive(done, socket);
      else
        complete_datagram_receive(done, socket);
      break;
    default: break;
  }
}

void correlator::learn_now(const socket_facts& facts) {
  if (facts.id == 0) return;
  socket_state& socket = sockets_[facts.id];
  const auto old_port = socket.facts.local ? socket.facts.local->port : std::uint16_t{0};
  const auto old_local = socket.facts.local;
  const auto old_remote = socket.facts.remote;
  socket.facts = facts;
  // A failed connect() or a shutdown clears addresses, but the socket's packets still have them.
  if (!facts.local || facts.local->port == 0) socket.facts.local = old_local;
  if (!facts.remote && facts.protocol == protocol::tcp) socket.facts.remote = old_remote;
  const auto port = socket.facts.local ? socket.facts.local->port : std::uint16_t{0};
  if (port != 0 && port != old_port && (facts.protocol == protocol::udp || facts.is_listening || !facts.remote))
    by_port_[port].push_back(facts.id);
  claim(socket);
}

void correlator::claim(socket_state& socket) {
  const socket_facts& facts = socket.facts;
  if (socket.has_flow || facts.protocol != protocol::tcp || facts.is_listening) return;
  if (!facts.local || !facts.remote || facts.local->port == 0) return;
  connection& on = connections_[make_flow_key(*facts.local, *facts.remote)];
  if (on.ends[0].where.port == 0) {  // opened before the trace, or there is no capture
    on.ends[0].where = *facts.local;
    on.ends[1].where = *facts.remote;
  }
  claim_end(on, on.side_of(*facts.local), socket);
}

void correlator::claim_end(connection& on, std::size_t side, socket_state& socket) {
  on.ends[side].socket = socket.facts.id;
  socket.flow = make_flow_key(on.ends[0].where, on.ends[1].where);
  socket.has_flow = true;
  for (const packet_id id : on.early) {
    linked_packet* linked = find_linked(id);
    if (linked == nullptr) continue;
    linked->is_ours = true;
    const std::size_t from = on.side_of(linked->details.source);
    if (from == side)
      link_sender(id, *linked, on, side);
    else
      linked->receiver = socket.facts.id;
  }
  // A socket that waits in connect() gets its early packets; those of an accepted socket arrived at the listener
  // until now.
  for (const packet_id id : on.early)
    if (linked_packet* linked = find_linked(id); linked != nullptr && on.side_of(linked->details.source) != side)
      link_arrival(id, *linked, on, on.side_of(linked->details.source));
}

/// After a failed connect() the socket has no address: take the connection to its target that has no other owner.
void correlator::claim_by_target(linked_call& done, socket_state& socket) {
  if (socket.has_flow || !done.details.target) return;
  for (auto& [key, on] : connections_) {
    if (on.ends[0].socket != 0 || on.ends[1].where != *done.details.target) continue;
    const linked_packet* syn = find_linked(on.syn);
    if (syn == nullptr || syn->details.time < done.details.entered) continue;
    claim_end(on, 0, socket);
    return;
  }
}

void correlator::note_closed(socket_id id) {
  closed_.push_back(id);
  if (closed_.size() <= max_closed) return;
  const auto gone = sockets_.find(closed_.front());
  closed_.pop_front();
  if (gone == sockets_.end() || std::ranges::find(closed_, gone->first) != closed_.end()) return;
  const socket_state& socket = gone->second;
  if (socket.facts.local)
    if (const auto port = by_port_.find(socket.facts.local->port); port != by_port_.end()) {
      std::erase(port->second, gone->first);
      if (port->second.empty()) by_port_.erase(port);
    }
  if (socket.has_flow)
    if (const auto on = connections_.find(socket.flow); on != connections_.end()) {
      for (connection_end& each : on->second.ends)
        if (each.socket == gone->first) each.socket = 0;
      if (!on->second.is_claimed()) connections_.erase(on);
    }
  sockets_.erase(gone);
}

/// exec(), dup2() or close_range() has failed: the sockets that it would have closed are still open.
void correlator::take_back_close(const call& failed) {
  for (const socket_id each : failed.ready) {
    socket_state* socket = find(each);
    if (socket == nullptr || socket->ending != failed.id) continue;
    socket->ending = 0;
    if (const auto last = std::ranges::find(closed_.rbegin(), closed_.rend(), each); last != closed_.rend())
      closed_.erase(std::next(last).base());
  }
}

void correlator::expire_unclaimed() {
  while (unclaimed_.size() > max_unclaimed) {
    const auto on = connections_.find(unclaimed_.front().first);
    if (on != connections_.end() && !on->second.is_claimed()) connections_.erase(on);
    unclaimed_.pop_front();
  }
}

correlator::socket_state* correlator::find(socket_id id) {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : &found->second;
}

connection* correlator::find_connection(const socket_state& socket) {
  if (!socket.has_flow) return nullptr;
  const auto found = connections_.find(socket.flow);
  return found == connections_.end() ? nullptr : &found->second;
}

linked_packet* correlator::find_linked(packet_id id) {
  const auto found = packets_.find(id);
  return found == packets_.end() ? nullptr : &found->second;
}

linked_call* correlator::find_linked_call(call_id id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : &found->second;
}

const linked_call* correlator::find_call(call_id id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : &found->second;
}

std::vector<call_id> correlator::open_calls() const {
  std::vector<call_id> open;
  for (const auto& [id, call] : calls_)
    if (!call.details.returned) open.push_back(id);
  std::ranges::sort(open);
  return open;
}

const linked_packet* correlator::find_packet(packet_id id) const {
  const auto found = packets_.find(id);
  return found == packets_.end() ? nullptr : &found->second;
}

process_id correlator::first_user_of(socket_id id) const {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? 0 : found->second.user;
}

const socket_facts* correlator::find_socket(socket_id id) const {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : &found->second.facts;
}

correlator::socket_state* correlator::find_listener(const address& destination) {
  const auto at = by_port_.find(destination.port);
  if (at == by_port_.end()) return nullptr;
  for (const socket_id id : at->second) {
    socket_state* socket = find(id);
    if (socket != nullptr && socket->facts.protocol == protocol::tcp && socket->facts.is_listening &&
        socket->facts.local && is_bound_for(*socket->facts.local, destination))
      return socket;
  }
  return nullptr;
}

void correlator::retire(std::uint64_t number) {
  for (; first_ < number && !timeline_.empty(); ++first_) {
    const timeline_entry& entry = timeline_.front();
    if (entry.type == timeline_entry::kind::packet) {
      drop_octets(entry.id);
      packets_.erase(entry.id);
    } else if (entry.type == timeline_entry::kind::call_ends) {
      calls_.erase(entry.id);
    }
    timeline_.pop_front();
  }
}

void correlator::drop_octets(packet_id id) {
  linked_packet* linked = find_linked(id);
  if (linked == nullptr) return;
  octets_ -= linked->details.octets.size();
  linked->details.octets = {};
}

void correlator::add_sender(packet_id id, linked_packet& linked, call_id by) {
  if (by == 0) return;
  add_once(linked.calls, by);
  if (linked_call* call = find_linked_call(by)) add_once(call->sent, id);
}

void correlator::deliver(packet_id id, linked_call& to) {
  add_once(to.received, id);
  if (linked_packet* linked = find_linked(id)) add_once(linked->delivered_to, to.details.id);
}

void correlator::complete_by(packet_id id, linked_call& done) {
  linked_packet* linked = find_linked(id);
  if (linked == nullptr || linked->details.time < done.details.entered) {
    done.completion = completion::at_once;
    return;
  }
  done.completion = completion::by_packet;
  done.completed_by = id;
  add_once(linked->completes, done.details.id);
}

}  // namespace netlab::trace
