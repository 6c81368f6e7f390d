// SPDX-License-Identifier: MIT
// Finds out which call sent which packet, and which packet completed which call.
//
// The links are based on sequence numbers and socket identities, never on time alone: the octets sent by the calls of
// a socket, counted from the sequence number of its SYN, tell for each segment which calls its octets come from. Most
// segments of a busy stream leave after their call has returned, and on the loopback interface the server sends its
// SYN+ACK during the client's connect().
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

/// Why a packet was sent, if not directly by a call, or what kind of packet it is.
enum class packet_role : std::uint8_t {
  unknown,          ///< the sender is not traced
  sent_by_call,     ///< by the calls in `calls`
  handshake,        ///< by the kernel: SYN+ACK of a listening socket, or the ACK that ends a handshake
  acknowledgement,  ///< by the kernel
  window_update,    ///< by the kernel
  keep_alive,       ///< by the kernel
  reset,            ///< by the kernel, in reaction to something received
  icmp_error,       ///< by the kernel
};
[[nodiscard]] std::string_view name_of(packet_role which) noexcept;

/// A packet with its links.
struct linked_packet {
  packet details;
  packet_role role = packet_role::unknown;
  std::string_view reason;          ///< for a reset or an ICMP error; may be empty
  bool is_retransmission = false;
  std::vector<call_id> calls;       ///< calls that sent it or made the kernel send it, in the order of their octets
  std::vector<call_id> completes;   ///< calls that were waiting for it
  std::vector<call_id> delivered_to;  ///< calls that returned its octets, or learned about it
  socket_id sender = 0;
  socket_id receiver = 0;
  std::uint64_t offset = 0;         ///< of its first octet in the stream
  bool is_ours = false;             ///< belongs to a socket of the traced programs
  std::uint64_t number = 0;         ///< number in the capture file, from 1; 0: not assigned yet
};

/// Why a call returned, as far as packets show.
enum class completion : std::uint8_t {
  none,       ///< it did not wait
  by_packet,  ///< `completed_by` arrived while it waited
  at_once,    ///< it did not have to wait: the data or event was there already
  timed_out,
  interrupted,
};
[[nodiscard]] std::string_view name_of(completion which) noexcept;

struct linked_call {
  call details;
  trace::completion completion = trace::completion::none;
  packet_id completed_by = 0;
  std::vector<packet_id> received;  ///< packets whose octets it returned; at most max_linked_packets
  std::vector<packet_id> sent;      ///< packets that carry its octets, at most as many; may grow after the call
  std::uint64_t offset = 0;         ///< of its first octet in the stream
};

/// Limits the packets listed per call: a call that sends a gigabyte has thousands.
inline constexpr std::size_t max_linked_packets = 256;

/// An entry of the timeline; they are in the order of time.
struct timeline_entry {
  enum class kind : std::uint8_t { call_begins, call_ends, packet } type = kind::packet;
  std::uint64_t id = 0;
  wall_time time{};
};

/// Takes calls and packets, each in the order of time, and links them. Keeps the entries of its window; the owner
/// removes the oldest when they need no more links.
class correlator {
 public:
  /// A call was entered; returns its id. `facts`: of its socket, if the tracer has just queried them.
  call_id enter(call details, std::optional<socket_facts> facts = {});
  /// The call returned: the data passed to enter(), with `returned`, `value` and other results. `facts`: of its
  /// socket after the call, or of the socket that it created.
  void leave(call details, std::optional<socket_facts> facts = {});
  /// The addresses of a socket became known, while a call was waiting or without a call. `user`: a process that has it.
  void learn(const socket_facts& facts, process_id user, wall_time now);
  /// A packet was captured.
  void feed(packet details);

  /// No more events before `horizon` will be fed: links everything up to it.
  void advance(wall_time horizon);
  /// Links everything that was fed.
  void finish();

  /// The part of the timeline that is linked: the entries from first() up to, but not including, last().
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint64_t last() const noexcept { return first_ + timeline_.size(); }
  [[nodiscard]] const timeline_entry& entry(std::uint64_t number) const { return timeline_[number - first_]; }
  /// For entries that are still in the window.
  [[nodiscard]] const linked_call& call_of(call_id id) const { return calls_.at(id); }
  [[nodiscard]] const linked_packet& packet_of(packet_id id) const { return packets_.at(id); }
  [[nodiscard]] const linked_call* find_call(call_id id) const;
  [[nodiscard]] const linked_packet* find_packet(packet_id id) const;
  /// Calls that have not returned, in the order of entry.
  [[nodiscard]] std::vector<call_id> open_calls() const;
  /// Sets the packet's number in the capture file.
  void set_number(packet_id id, std::uint64_t number) { packets_.at(id).number = number; }
  /// Octets of all stored packets.
  [[nodiscard]] std::size_t octets() const noexcept { return octets_; }
  /// Frees the octets of a packet that no report needs any more; its other data stays.
  void drop_octets(packet_id id);
  /// Removes the entries before this number.
  void retire(std::uint64_t number);
  /// The process that created a socket or used it first; 0: none.
  [[nodiscard]] process_id first_user_of(socket_id id) const;
  /// The facts of a socket; null if unknown.
  [[nodiscard]] const socket_facts* find_socket(socket_id id) const;

 private:
  struct call_event {
    enum class kind : std::uint8_t { enter, leave, learn } type = kind::enter;
    wall_time time{};
    call detail;
    std::optional<socket_facts> facts;
  };

  /// A socket of a traced program, with the calls and packets needed for linking later ones.
  struct socket_state {
    socket_facts facts;
    process_id user = 0;  // created it, or used it first
    flow_key flow;  // of a TCP connection, once both ends are known
    bool has_flow = false;
    call_id connecting = 0;  // the current connect(), or the last one
    call_id listening = 0;  // the listen() of a listening socket
    call_id sending = 0;  // the current call that sends
    call_id shutting = 0;  // the shutdown() for sending
    call_id ending = 0;  // the last close, or the exit of the process
    std::deque<packet_id> arrivals;  // packets that a program may wait for, at most max_arrivals
    std::deque<packet_id> datagrams;  // not yet returned by a call
    std::deque<packet_id> errors;  // ICMP errors and resets not yet returned by a call
    std::deque<call_id> datagram_sends;  // calls whose packet was not seen yet
  };
  static constexpr std::size_t max_arrivals = 64;  // a wait only looks at packets that arrived during it
  static constexpr std::size_t max_datagrams = 4096;  // more than a receive buffer holds
  static constexpr std::size_t max_closed = 4096;  // closed sockets kept for late packets
  static constexpr std::size_t max_unclaimed = 4096;  // connections not known yet to be ours or not

  void take(call_event& event);
  void take(packet& details);
  void begin(call_event& event);
  void end(call_event& event);
  void begin_on(const call& details, socket_state& socket);
  void end_on(linked_call& done, socket_state& socket);
  void learn_now(const socket_facts& facts);
  void claim(socket_state& socket);
  void claim_end(connection& on, std::size_t side, socket_state& socket);
  void claim_by_target(linked_call& done, socket_state& socket);
  void note_closed(socket_id id);
  void take_back_close(const call& failed);
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
  socket_state* find_datagram_receiver(const packet& details);
  socket_state* find_datagram_sender(const packet& details);
  bool has_sent(const call& details, const socket_state& socket, const packet& datagram) const;

  std::deque<call_event> call_events_;
  std::deque<packet> packets_in_;
  std::deque<timeline_entry> timeline_;
  std::uint64_t first_ = 0;
  std::unordered_map<call_id, linked_call> calls_;
  std::unordered_map<packet_id, linked_packet> packets_;
  std::unordered_map<socket_id, socket_state> sockets_;
  std::map<flow_key, connection> connections_;
  std::deque<std::pair<flow_key, wall_time>> unclaimed_;
  std::vector<call_id> connecting_;  // not returned yet
  std::vector<call_id> sending_datagrams_;  // not returned yet
  std::deque<socket_id> closed_;
  std::unordered_map<std::uint16_t, std::vector<socket_id>> by_port_;  // listeners and UDP sockets
  std::size_t octets_ = 0;
  call_id last_call_ = 0;
  packet_id last_packet_ = 0;
};

}  // namespace netlab::trace
