// SPDX-License-Identifier: MIT
// Links a call that returns to the packet that it waited for.
#include <algorithm>
#include <cerrno>

#include "trace/correlate.hpp"

namespace netlab::trace {
namespace {

// A call that returned EAGAIN sooner than this did not wait: its socket is non-blocking.
constexpr wall_time least_timeout = std::chrono::milliseconds(1);

bool has_timed_out(const call& what, const socket_facts& of) {
  return (what.value == -EAGAIN && !of.is_nonblocking && *what.returned - what.entered >= least_timeout) ||
         what.value == -ETIMEDOUT;
}

}  // namespace

bool correlator::complete_by_error(linked_call& done, socket_state& socket) {
  if (done.what.value >= 0) return false;
  switch (-done.what.value) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
    case EPROTO:
    case EMSGSIZE: break;
    default: return false;
  }
  if (socket.errors.empty()) return false;
  const packet_id id = socket.errors.front();
  socket.errors.pop_front();
  deliver(id, done);
  complete_by(id, done);
  return true;
}

void correlator::complete_connect(linked_call& done, socket_state& socket) {
  if (done.what.value != -EINPROGRESS && done.what.value < 0) claim_by_target(done, socket);
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.what, socket.facts)) done.how = completion::timed_out;
  const connection* on = find_connection(socket);
  if (on == nullptr) return;
  if (done.what.value == 0 || done.what.value == -EISCONN) {
    if (on->syn_ack == 0) return;
    deliver(on->syn_ack, done);
    complete_by(on->syn_ack, done);
  } else if (done.what.value == -ECONNREFUSED || done.what.value == -ECONNRESET) {
    const packet_id reset = on->out[1 - on->side_of(*socket.facts.local)].reset;
    if (reset == 0) return;
    deliver(reset, done);
    complete_by(reset, done);
  }
}

void correlator::complete_accept(linked_call& done) {
  if (done.what.value < 0) return;
  socket_state* made = find(done.what.made);
  const connection* on = made == nullptr ? nullptr : find_connection(*made);
  if (on == nullptr || on->handshake_ack == 0) return;
  deliver(on->handshake_ack, done);
  complete_by(on->handshake_ack, done);
}

void correlator::complete_stream_receive(linked_call& done, socket_state& socket) {
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.what, socket.facts)) done.how = completion::timed_out;
  connection* on = find_connection(socket);
  if (on == nullptr || done.what.value < 0 || done.what.asked == 0) return;
  direction& in = on->out[1 - on->side_of(*socket.facts.local)];
  if (done.what.value == 0) {
    if (in.fin == 0) return;
    deliver(in.fin, done);
    complete_by(in.fin, done);
    return;
  }
  const auto octets = static_cast<std::uint64_t>(done.what.value);
  done.offset = in.received;
  const auto from = in.segments.owners(in.received, in.received + octets);
  for (const packet_id each : from) deliver(each, done);
  if (!from.empty()) complete_by(done.what.takes_all ? from.back() : from.front(), done);
  if (done.what.is_peek) return;
  in.received += octets;
  in.segments.drop_before(in.received);
}

void correlator::complete_datagram_receive(linked_call& done, socket_state& socket) {
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.what, socket.facts)) done.how = completion::timed_out;
  if (done.what.value < 0) return;
  std::vector<std::uint32_t> lengths = done.what.datagrams;
  if (lengths.empty()) lengths.push_back(static_cast<std::uint32_t>(done.what.value));
  packet_id first = 0;
  for (const std::uint32_t length : lengths) {
    const auto found = std::ranges::find_if(socket.datagrams, [&](packet_id each) {
      const linked_packet* linked = find_linked(each);
      if (linked == nullptr) return false;
      // A longer datagram was cut to the program's buffer.
      const bool fits = linked->what.payload == length || (length == done.what.asked && linked->what.payload > length);
      return fits && (!done.what.from || *done.what.from == linked->what.source);
    });
    if (found == socket.datagrams.end()) continue;
    if (first == 0) first = *found;
    deliver(*found, done);
    // Earlier ones did not reach the program: the receive buffer was full, or the capture began later.
    if (!done.what.is_peek) socket.datagrams.erase(socket.datagrams.begin(), found + 1);
  }
  if (first != 0) complete_by(first, done);
}

void correlator::complete_wait(linked_call& done) {
  if (done.what.value == 0) done.how = completion::timed_out;
  if (done.what.value == -EINTR) done.how = completion::interrupted;
  if (done.what.value <= 0) return;
  packet_id first = 0;
  for (const socket_id each : done.what.ready) {
    const socket_state* socket = find(each);
    if (socket == nullptr) continue;
    for (const packet_id id : socket->arrivals) {
      const linked_packet* linked = find_linked(id);
      if (linked == nullptr || linked->what.time < done.what.entered) continue;
      if (first == 0 || id < first) first = id;
      break;
    }
  }
  if (first != 0)
    complete_by(first, done);
  else
    done.how = completion::at_once;
}

void correlator::finish_stream_send(linked_call& done, socket_state& socket) {
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.what, socket.facts)) done.how = completion::timed_out;
  connection* on = find_connection(socket);
  if (on == nullptr || done.what.value <= 0) return;
  direction& out = on->out[on->side_of(*socket.facts.local)];
  done.offset = out.sent;
  out.sends.add({out.sent, out.sent + static_cast<std::uint64_t>(done.what.value), done.what.id});
  out.sent += static_cast<std::uint64_t>(done.what.value);
}

void correlator::finish_datagram_send(linked_call& done, socket_state& socket) {
  if (done.what.value < 0) {
    std::erase(socket.datagram_sends, done.what.id);
    complete_by_error(done, socket);
  }
}

}  // namespace netlab::trace
