// SPDX-License-Identifier: MIT
// Links a call that returns to the packet that it waited for.
#include <algorithm>
#include <cerrno>

#include "trace/correlate.hpp"

namespace netlab::trace {
namespace {

// A call that returned EAGAIN sooner than this did not wait: its socket is non-blocking.
constexpr wall_time least_timeout = std::chrono::milliseconds(1);

bool has_timed_out(const call& details, const socket_facts& of) {
  return (details.value == -EAGAIN && !of.is_nonblocking && *details.returned - details.entered >= least_timeout) ||
         details.value == -ETIMEDOUT;
}

}  // namespace

bool correlator::complete_by_error(linked_call& done, socket_state& socket) {
  if (done.details.value >= 0) return false;
  switch (-done.details.value) {
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
  if (done.details.value != -EINPROGRESS && done.details.value < 0) claim_by_target(done, socket);
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.details, socket.facts)) done.completion = completion::timed_out;
  const connection* on = find_connection(socket);
  if (on == nullptr) return;
  if (done.details.value == 0 || done.details.value == -EISCONN) {
    if (on->syn_ack == 0) return;
    deliver(on->syn_ack, done);
    complete_by(on->syn_ack, done);
  } else if (done.details.value == -ECONNREFUSED || done.details.value == -ECONNRESET) {
    const packet_id reset = on->out[1 - on->side_of(*socket.facts.local)].reset;
    if (reset == 0) return;
    deliver(reset, done);
    complete_by(reset, done);
  }
}

void correlator::complete_accept(linked_call& done) {
  if (done.details.value < 0) return;
  socket_state* made = find(done.details.made);
  const connection* on = made == nullptr ? nullptr : find_connection(*made);
  if (on == nullptr || on->handshake_ack == 0) return;
  deliver(on->handshake_ack, done);
  complete_by(on->handshake_ack, done);
}

void correlator::complete_stream_receive(linked_call& done, socket_state& socket) {
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.details, socket.facts)) done.completion = completion::timed_out;
  connection* on = find_connection(socket);
  if (on == nullptr || done.details.value < 0 || done.details.asked == 0) return;
  direction& in = on->out[1 - on->side_of(*socket.facts.local)];
  if (done.details.value == 0) {
    if (in.fin == 0) return;
    deliver(in.fin, done);
    complete_by(in.fin, done);
    return;
  }
  const auto octets = static_cast<std::uint64_t>(done.details.value);
  done.offset = in.received;
  const auto from = in.segments.owners(in.received, in.received + octets);
  for (const packet_id each : from) deliver(each, done);
  if (!from.empty()) complete_by(done.details.takes_all ? from.back() : from.front(), done);
  if (done.details.is_peek) return;
  in.received += octets;
  in.segments.drop_before(in.received);
}

void correlator::complete_datagram_receive(linked_call& done, socket_state& socket) {
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.details, socket.facts)) done.completion = completion::timed_out;
  if (done.details.value < 0) return;
  std::vector<std::uint32_t> lengths = done.details.datagrams;
  if (lengths.empty()) lengths.push_back(static_cast<std::uint32_t>(done.details.value));
  packet_id first = 0;
  for (const std::uint32_t length : lengths) {
    const auto found = std::ranges::find_if(socket.datagrams, [&](packet_id each) {
      const linked_packet* linked = find_linked(each);
      if (linked == nullptr) return false;
      // A longer datagram was cut to the program's buffer.
      const bool fits =
          linked->details.payload == length || (length == done.details.asked && linked->details.payload > length);
      return fits && (!done.details.from || *done.details.from == linked->details.source);
    });
    if (found == socket.datagrams.end()) continue;
    if (first == 0) first = *found;
    deliver(*found, done);
    // Earlier ones did not reach the program: the receive buffer was full, or the capture began later.
    if (!done.details.is_peek) socket.datagrams.erase(socket.datagrams.begin(), found + 1);
  }
  if (first != 0) complete_by(first, done);
}

void correlator::complete_wait(linked_call& done) {
  if (done.details.value == 0) done.completion = completion::timed_out;
  if (done.details.value == -EINTR) done.completion = completion::interrupted;
  if (done.details.value <= 0) return;
  packet_id first = 0;
  for (const socket_id each : done.details.ready) {
    const socket_state* socket = find(each);
    if (socket == nullptr) continue;
    for (const packet_id id : socket->arrivals) {
      const linked_packet* linked = find_linked(id);
      if (linked == nullptr || linked->details.time < done.details.entered) continue;
      if (first == 0 || id < first) first = id;
      break;
    }
  }
  if (first != 0)
    complete_by(first, done);
  else
    done.completion = completion::at_once;
}

void correlator::finish_stream_send(linked_call& done, socket_state& socket) {
  if (complete_by_error(done, socket)) return;
  if (has_timed_out(done.details, socket.facts)) done.completion = completion::timed_out;
  connection* on = find_connection(socket);
  if (on == nullptr || done.details.value <= 0) return;
  direction& out = on->out[on->side_of(*socket.facts.local)];
  done.offset = out.sent;
  out.sends.add({out.sent, out.sent + static_cast<std::uint64_t>(done.details.value), done.details.id});
  out.sent += static_cast<std::uint64_t>(done.details.value);
}

void correlator::finish_datagram_send(linked_call& done, socket_state& socket) {
  if (done.details.value < 0) {
    std::erase(socket.datagram_sends, done.details.id);
    complete_by_error(done, socket);
  }
}

}  // namespace netlab::trace
