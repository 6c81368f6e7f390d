// SPDX-License-Identifier: MIT
// Which call sent which packet, and which packet completed which call.
//
// The link is made by sequence numbers and socket identities, never by time alone: the octets that the calls of a
// socket have sent, summed up from the sequence number of its SYN, say of each segment which calls its octets come
// from. Most segments of a busy stream leave after their call has returned, and on the loopback interface the server's
// SYN+ACK leaves inside the client's connect().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trace/calls.hpp"
#include "trace/flow.hpp"
#include "trace/packets.hpp"

namespace netlab::trace {

/// Why a packet left, where no call is responsible for it, or what is special about it.
enum class packet_role : std::uint8_t {
  unknown,          ///< its sender does not run under the trace
  sent_by_call,     ///< `calls` says by which
  handshake,        ///< SYN+ACK of a listening socket, ACK that ends a handshake: the kernel's
  acknowledgement,  ///< the kernel's
  window_update,    ///< the kernel's
  keep_alive,       ///< the kernel's
  reset,            ///< the kernel's, because of what came
  icmp_error,       ///< the kernel's
};
[[nodiscard]] std::string_view name_of(packet_role which) noexcept;

/// A packet and what is known of it.
struct linked_packet {
  packet what;
  packet_role role = packet_role::unknown;
  std::string_view reason;          ///< of a reset or an ICMP error, in words; may be empty
  bool is_retransmission = false;
  std::vector<call_id> calls;       ///< that sent it, or made the kernel send it, in the order of their octets
  std::vector<call_id> completes;   ///< calls that waited for it
  std::vector<call_id> delivered_to;  ///< calls that returned its octets, or learned of it
  socket_id sender = 0;
  socket_id receiver = 0;
  std::uint64_t offset = 0;         ///< of its first octet in the stream
  bool is_ours = false;             ///< of a socket of the traced programs
  std::uint64_t number = 0;         ///< in the capture file, from 1; 0: not given yet
};

/// How a call came to return, as far as packets tell.
enum class completion : std::uint8_t {
  none,       ///< it did not wait
  by_packet,  ///< `completed_by` arrived while it waited
  at_once,    ///< what it wanted had come before
  timed_out,
  interrupted,
};
[[nodiscard]] std::string_view name_of(completion which) noexcept;

struct linked_call {
  call what;
  completion how = completion::none;
  packet_id completed_by = 0;
  std::vector<packet_id> received;  ///< whose octets it returned; at most max_linked_packets
  std::vector<packet_id> sent;      ///< likewise those that carry its octets; may grow after the call
  std::uint64_t offset = 0;         ///< of its first octet in the stream
};

/// A list of packets in a call ends here: a call that sends a gigabyte has thousands.
inline constexpr std::size_t max_linked_packets = 256;

/// Both grow in the order of time; an entry is one of them.
struct timeline_entry {
  enum class kind : std::uint8_t { call_begins, call_ends, packet } what = kind::packet;
  std::uint64_t id = 0;
  wall_time time{};
};

/// Takes calls and packets as they come, each sort in its own order of time, and links them. It keeps what is in its
/// window; the owner takes entries from the front when it wants no more links in them.
class correlator {
 public:
  /// A call has been entered; returns its id. `facts` of its socket, where the tracer has just learned them.
  call_id enter(call what, std::optional<socket_facts> facts = {});
  /// It has returned. `entered` with `returned`, `value` and what else is known by now. `facts` of its socket after it,
  /// or of the socket that it made.
  void leave(call what, std::optional<socket_facts> facts = {});
  /// A socket's addresses have become known meanwhile, while a call still waits.
  void learn(const socket_facts& facts, wall_time now);
  /// A packet has been captured.
  void feed(packet what);

  /// Nothing earlier than `horizon` will be fed any more: everything up to it is linked.
  void advance(wall_time horizon);
  /// The same, with all that has been fed.
  void finish();

  /// The timeline, as far as it is linked: the first entry has number first().
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint64_t last() const noexcept { return first_ + timeline_.size(); }
  [[nodiscard]] const timeline_entry& entry(std::uint64_t number) const { return timeline_[number - first_]; }
  /// Of an entry that is still in the window.
  [[nodiscard]] const linked_call& call_of(call_id id) const { return calls_.at(id); }
  [[nodiscard]] const linked_packet& packet_of(packet_id id) const { return packets_.at(id); }
  [[nodiscard]] const linked_call* find_call(call_id id) const;
  [[nodiscard]] const linked_packet* find_packet(packet_id id) const;
  /// Calls that have not returned, in the order of their entry.
  [[nodiscard]] std::vector<call_id> open_calls() const;
  /// Gives the packet its number in the capture file.
  void set_number(packet_id id, std::uint64_t number) { packets_.at(id).number = number; }
  /// Octets of packets that are kept.
  [[nodiscard]] std::size_t octets() const noexcept { return octets_; }
  /// Of a packet that no report needs any more only the facts are kept.
  void drop_octets(packet_id id);
  /// Lets entries before this number go.
  void retire(std::uint64_t number);
  /// The process that made a socket, or used it first; 0 if none did.
  [[nodiscard]] process_id first_user_of(socket_id id) const;
  /// What is known of a socket; null if nothing.
  [[nodiscard]] const socket_facts* find_socket(socket_id id) const;

 private:
  struct call_event {
    enum class kind : std::uint8_t { enter, leave, learn } what = kind::enter;
    wall_time time{};
    call detail;
    std::optional<socket_facts> facts;
  };

  /// A socket of a traced program, and the calls and packets that matter for those to come.
  struct socket_state {
    socket_facts facts;
    process_id user = 0;  // that made it, or used it first
    flow_key flow;  // of a TCP connection, once both ends are known
    bool has_flow = false;
    call_id connecting = 0;  // the call under way, or the last one
    call_id listening = 0;  // the listen() that made it a listener
    call_id sending = 0;  // the call under way
    call_id shutting = 0;  // the shutdown() of its sending side
    call_id ending = 0;  // the last close, or the exit of its process
    std::deque<packet_id> arrivals;  // what a program can wait for, the latest max_arrivals
    std::deque<packet_id> datagrams;  // that no call has returned yet
    std::deque<packet_id> errors;  // ICMP errors and resets that no call has returned yet
    std::deque<call_id> datagram_sends;  // whose packet has not been seen yet
  };
  static constexpr std::size_t max_arrivals = 64;  // a wait looks only at what came during it
  static constexpr std::size_t max_datagrams = 4096;  // more than a receive buffer holds
  static constexpr std::size_t max_closed = 4096;  // a late packet of one of them is still told
  static constexpr std::size_t max_unclaimed = 4096;  // connections of which nobody knows yet whether they are ours

  void take(call_event& event);
  void take(packet& what);
  void begin(call_event& event);
  void end(call_event& event);
  void begin_on(const call& what, socket_state& socket);
  void end_on(linked_call& done, socket_state& socket);
  void learn_now(const socket_facts& facts);
  void claim(socket_state& socket);
  void claim_end(connection& on, std::size_t side, socket_state& socket);
  void claim_by_target(linked_call& done, socket_state& socket);
  void note_closed(socket_id id);
  void expire_unclaimed();

  void link_tcp(packet_id id, linked_packet& linked);
  void link_syn(packet_id id, const packet& syn);
  void link_segment(packet_id id, linked_packet& linked, connection& on, std::size_t side);
  void link_sender(packet_id id, linked_packet& linked, connection& on, std::size_t side);
  void link_data(packet_id id, linked_packet& linked, direction& from, const socket_state& sender);
  void link_reset(packet_id id, linked_packet& linked, connection& on, std::size_t side);
  void link_arrival(packet_id id, const linked_packet& linked, connection& on, std::size_t side);
  void link_udp(packet_id id, linked_packet& linked);
  void link_icmp(packet_id id, linked_packet& linked);

  void complete_connect(linked_call& done, socket_state& socket);
  void complete_accept(linked_call& done);
  void complete_stream_receive(linked_call& done, socket_state& socket);
  void complete_datagram_receive(linked_call& done, socket_state& socket);
  void complete_wait(linked_call& done);
  bool complete_by_error(linked_call& done, socket_state& socket);
  void complete_by(packet_id id, linked_call& done);
  void finish_stream_send(linked_call& done, socket_state& socket);
  void finish_datagram_send(linked_call& done, socket_state& socket);
  void add_sender(packet_id id, linked_packet& linked, call_id by);
  void deliver(packet_id id, linked_call& to);

  socket_state* find(socket_id id);
  connection* find_connection(const socket_state& socket);
  linked_packet* find_linked(packet_id id);
  linked_call* find_linked_call(call_id id);
  socket_state* find_listener(const address& destination);
  socket_state* find_datagram_receiver(const packet& what);
  socket_state* find_datagram_sender(const packet& what);
  bool has_sent(const call& what, const socket_state& socket, const packet& datagram) const;

  std::deque<call_event> call_events_;
  std::deque<packet> packets_in_;
  std::deque<timeline_entry> timeline_;
  std::uint64_t first_ = 0;
  std::unordered_map<call_id, linked_call> calls_;
  std::unordered_map<packet_id, linked_packet> packets_;
  std::unordered_map<socket_id, socket_state> sockets_;
  std::map<flow_key, connection> connections_;
  std::deque<std::pair<flow_key, wall_time>> unclaimed_;
  std::vector<call_id> connecting_;  // under way
  std::vector<call_id> sending_datagrams_;  // under way
  std::deque<socket_id> closed_;
  std::unordered_map<std::uint16_t, std::vector<socket_id>> by_port_;  // listeners and UDP sockets
  std::size_t octets_ = 0;
  call_id last_call_ = 0;
  packet_id last_packet_ = 0;
};

}  // namespace netlab::trace
