// SPDX-License-Identifier: MIT
#include "lab/tour/recorded_answers.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "lab/tour/trace_demo.hpp"

namespace netlab::lab {
namespace {

template <class Wanted>
void show_packets(narrator& tell, const recording& made, Wanted wanted) {
  for (const recorded_packet& each : made.packets)
    if (wanted(each)) tell.show(packet_row(each, made));
}

template <class Wanted>
void show_calls(narrator& tell, const recording& made, Wanted wanted) {
  for (const recorded_call& each : made.calls)
    if (is_blocking(each) && wanted(each)) tell.show(call_row(each, made));
}

/// True if a packet that `fits` completed a call of this kind by this role, with this error (empty: with success).
template <class Fits>
bool was_completed(const recording& made, std::string_view role, std::string_view kind, std::string_view error,
                   Fits fits) {
  return std::ranges::any_of(made.calls, [&](const recorded_call& each) {
    const recorded_packet* const packet = is_blocking(each) ? made.packet_for(each) : nullptr;
    return each.kind == kind && made.role_of(each.program) == role && each.error == error && packet != nullptr &&
           fits(each, *packet);
  });
}

/// True if there are calls of this kind, and each was completed by a packet that `fits`.
template <class Fits>
bool all_completed(const recording& made, std::string_view kind, Fits fits) {
  bool any = false;
  for (const recorded_call& each : made.calls) {
    if (each.kind != kind) continue;
    const recorded_packet* const packet = made.packet_for(each);
    if (!is_blocking(each) || packet == nullptr || !fits(each, *packet)) return false;
    any = true;
  }
  return any;
}

std::string_view where(const recording& made) {
  return made.in_own_network ? "in a network namespace of their own, where that needs no privilege" : "on this machine";
}

void show_command(narrator& tell, demo which, const recording& made) {
  tell.show(fmt::format("$ {}", trace_command(which, made.in_own_network)));
}

std::string introduction(const recording& made) {
  return std::string(
             "netlab trace runs a server and a client that make one blocking call after the other, and records their "
             "calls and the packets between them, ") +
         std::string(where(made)) + ".";
}

}  // namespace

void tell_sending_calls(narrator& tell, const recording& made) {
  tell.say(introduction(made) + " First a request over TCP, then one over UDP:");
  show_command(tell, demo::calculation, made);
  show_packets(tell, made, [](const recorded_packet&) { return true; });
  tell.check("each packet with octets was sent by a send(), each SYN by connect(), each FIN by close()",
             explains_every_packet(made));
  tell.check("SYN+ACK is the server's system's, because of listen(); the ACK after it is the client's system's",
             has_system_handshake(made));
  tell.check("accept() and recv() sent nothing", sends_nothing("accept", made) && sends_nothing("receive", made));
  tell.say(
      "No call sends a mere ACK: the systems do, at once or with the next data. So an ACK says that the other system "
      "has the octets, not that its program has read them.");
}

void tell_completing_packets(narrator& tell, const recording& made) {
  tell.say(
      "The same recording, read from the other side: each call that can wait, in the order in which they returned, and "
      "the packet that it waited for. What had come before is not waited for.");
  show_command(tell, demo::calculation, made);
  show_calls(tell, made, [](const recorded_call&) { return true; });
  tell.check("connect() waits for SYN+ACK",
             was_completed(made, "client", "connect", "", [](const recorded_call&, const recorded_packet& packet) {
               return packet.what == "SYN+ACK";
             }));
  tell.check("accept() waits for the ACK that ends the handshake",
             was_completed(made, "server", "accept", "", [](const recorded_call&, const recorded_packet& packet) {
               return packet.role == "handshake" && packet.what == "ACK";
             }));
  tell.check("recv() waits for data, or for FIN, and then it returns 0",
             all_completed(made, "receive", [](const recorded_call& call, const recorded_packet& packet) {
               return call.value > 0 ? packet.octets > 0 : packet.what.starts_with("FIN");
             }));
}

void tell_tcp_ports(narrator& tell, const recording& made) {
  tell.say(introduction(made) + " The server listens; on the closed port nobody does:");
  show_command(tell, demo::ports, made);
  const auto is_tcp = [](const recorded_packet& each) { return each.protocol == "tcp"; };
  show_packets(tell, made, is_tcp);
  show_calls(tell, made, [](const recorded_call& each) { return each.kind == "connect"; });
  tell.check("an open port: SYN, SYN+ACK, ACK, and connect() returns with the second",
             has_system_handshake(made) &&
                 was_completed(made, "client", "connect", "", [](const recorded_call&, const recorded_packet& packet) {
                   return packet.what == "SYN+ACK";
                 }));
  tell.check(
      "a closed port: SYN, and RST+ACK in return, with which connect() fails: ECONNREFUSED",
      was_completed(made, "client", "connect", "ECONNREFUSED", [](const recorded_call&, const recorded_packet& packet) {
        return packet.what == "RST+ACK" && packet.role == "reset";
      }));
}

void tell_udp_ports(narrator& tell, const recording& made) {
  tell.say("The packets of a client that connects a UDP socket to an open and to a closed port, sends, and receives:");
  show_command(tell, demo::ports, made);
  show_packets(tell, made, [](const recorded_packet& each) { return each.protocol != "tcp"; });
  show_calls(tell, made, [&](const recorded_call& each) {
    const recorded_packet* const packet = made.packet_for(each);
    return each.kind == "receive" && made.role_of(each.program) == "client" &&
           (packet == nullptr || packet->protocol != "tcp");
  });
  tell.check("an open port: a datagram, and the service's own datagram in return",
             was_completed(made, "client", "receive", "", [](const recorded_call&, const recorded_packet& packet) {
               return packet.protocol == "udp" && packet.octets > 0;
             }));
  tell.check(
      "a closed port: a datagram, and ICMP in return, with which recv() fails: ECONNREFUSED",
      was_completed(made, "client", "receive", "ECONNREFUSED", [](const recorded_call&, const recorded_packet& packet) {
        return packet.protocol == "icmp" && packet.role == "icmp-error";
      }));
}

}  // namespace netlab::lab
