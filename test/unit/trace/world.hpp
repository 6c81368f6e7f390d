// SPDX-License-Identifier: MIT
// An artificial conversation: calls and packets at times chosen by the test.
#pragma once

#include <chrono>

#include "trace/correlate.hpp"

namespace netlab::trace::testing {

using namespace std::chrono_literals;

inline address at_port(std::uint16_t port, std::uint8_t host = 1) {
  const std::array<std::uint8_t, 4> octets{127, 0, 0, host};
  return make_address(std::as_bytes(std::span(octets)), port);
}

inline constexpr std::uint16_t client_port = 40000;
inline constexpr std::uint16_t server_port = 4711;
inline constexpr socket_id client_socket = 100;
inline constexpr socket_id listener_socket = 200;
inline constexpr socket_id server_socket = 201;
inline constexpr process_id client_process = 10;
inline constexpr process_id server_process = 20;

inline socket_facts client_facts() {
  return {.id = client_socket, .local = at_port(client_port), .remote = at_port(server_port)};
}
inline socket_facts unconnected_facts() { return {.id = client_socket}; }
inline socket_facts listener_facts() {
  return {.id = listener_socket, .is_listening = true, .local = at_port(server_port)};
}
inline socket_facts server_facts() {
  return {.id = server_socket, .local = at_port(server_port), .remote = at_port(client_port)};
}

/// Feeds a correlator; each step is a microsecond after the one before.
class world {
 public:
  correlator links;

  call enter(call made, std::optional<socket_facts> facts = {}) {
    made.entered = tick();
    if (made.process == 0) made.process = client_process;
    made.id = links.enter(made, std::move(facts));
    return made;
  }
  call_id leave(call made, std::int64_t value, std::optional<socket_facts> facts = {}) {
    made.returned = tick();
    made.value = value;
    links.leave(made, std::move(facts));
    return made.id;
  }
  call_id run(call made, std::int64_t value, std::optional<socket_facts> facts = {}) {
    return leave(enter(std::move(made)), value, std::move(facts));
  }
  /// Returns the number of the packet.
  packet_id send(packet sent) {
    sent.time = tick();
    links.feed(std::move(sent));
    return ++packets_;
  }
  packet_id from_client(std::uint8_t flags, std::uint32_t sequence, std::uint32_t length = 0,
                        std::uint32_t acknowledged = 0) {
    return send({.source = at_port(client_port),
                 .destination = at_port(server_port),
                 .flags = flags,
                 .sequence = sequence,
                 .acknowledged = acknowledged,
                 .window = 500,
                 .payload = length});
  }
  packet_id from_server(std::uint8_t flags, std::uint32_t sequence, std::uint32_t length = 0,
                        std::uint32_t acknowledged = 0) {
    return send({.source = at_port(server_port),
                 .destination = at_port(client_port),
                 .flags = flags,
                 .sequence = sequence,
                 .acknowledged = acknowledged,
                 .window = 500,
                 .payload = length});
  }

  const linked_packet& packet_of(packet_id id) { return links.packet_of(id); }
  const linked_call& call_of(call_id id) { return links.call_of(id); }

  static constexpr std::uint32_t client_isn = 0xfffffff0;  // wraps around within the first octets
  static constexpr std::uint32_t server_isn = 5000;

  call_id listening = 0;
  call_id connecting = 0;
  call_id accepting = 0;
  packet_id syn = 0;
  packet_id syn_ack = 0;
  packet_id ack = 0;

  void listen() {
    listening = leave(enter({.process = server_process,
                             .name = "listen",
                             .kind = call_kind::listen,
                             .fd = 3,
                             .socket = listener_socket},
                            socket_facts{.id = listener_socket, .local = at_port(server_port)}),
                      0, listener_facts());
  }
  void handshake() {
    syn = from_client(tcp_flag::syn, client_isn);
    syn_ack = from_server(tcp_flag::syn | tcp_flag::ack, server_isn, 0, client_isn + 1);
    ack = from_client(tcp_flag::ack, client_isn + 1, 0, server_isn + 1);
  }
  /// The server blocks in accept(), the client connects.
  void connect() {
    listen();
    const call waits = enter(
        {.process = server_process, .name = "accept", .kind = call_kind::accept, .fd = 3, .socket = listener_socket});
    const call connects = enter({.name = "connect",
                                 .kind = call_kind::connect,
                                 .fd = 3,
                                 .socket = client_socket,
                                 .target = at_port(server_port)},
                                unconnected_facts());
    handshake();
    call accepts = waits;
    accepts.made = server_socket;
    accepting = leave(accepts, 4, server_facts());
    connecting = leave(connects, 0, client_facts());
  }

 private:
  wall_time tick() { return now_ += 1us; }
  wall_time now_ = 1s;
  packet_id packets_ = 0;
};

inline call sends(std::uint64_t octets, socket_id socket = client_socket) {
  return {.process = socket == client_socket ? client_process : server_process,
          .name = "send",
          .kind = call_kind::send,
          .fd = 3,
          .socket = socket,
          .asked = octets};
}
inline call receives(std::uint64_t octets, socket_id socket = server_socket) {
  return {.process = socket == client_socket ? client_process : server_process,
          .name = "recv",
          .kind = call_kind::receive,
          .fd = 4,
          .socket = socket,
          .asked = octets};
}

}  // namespace netlab::trace::testing
