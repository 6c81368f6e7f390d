// SPDX-License-Identifier: MIT
#include "trace/correlate.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cerrno>

#include "unit/trace/world.hpp"

namespace netlab::trace::correlate_test {

using namespace testing;

using calls = std::vector<call_id>;
using packets = std::vector<packet_id>;

TEST_CASE("correlate: SYN is connect's, SYN+ACK completes it, the last ACK makes accept return", "[trace][correlate]") {
  world on;
  on.connect();
  on.links.finish();
  CHECK(on.packet_of(on.syn).role == packet_role::sent_by_call);
  CHECK(on.packet_of(on.syn).calls == calls{on.connecting});
  CHECK(on.packet_of(on.syn).receiver == server_socket);  // the socket that accept() has created for it
  CHECK(on.packet_of(on.syn_ack).role == packet_role::handshake);
  CHECK(on.packet_of(on.syn_ack).calls == calls{on.listening});
  CHECK(on.packet_of(on.syn_ack).completes == calls{on.connecting});
  CHECK(on.packet_of(on.ack).role == packet_role::handshake);
  CHECK(on.packet_of(on.ack).completes == calls{on.accepting});
  CHECK(on.call_of(on.connecting).completed_by == on.syn_ack);
  CHECK(on.call_of(on.accepting).completion == completion::by_packet);
}

TEST_CASE("correlate: an accept after the handshake did not wait", "[trace][correlate]") {
  world on;
  on.listen();
  const call connects =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = client_socket, .target = at_port(server_port)},
               unconnected_facts());
  on.handshake();
  on.leave(connects, 0, client_facts());
  const call_id accepts = on.run({.process = server_process,
                                  .name = "accept",
                                  .kind = call_kind::accept,
                                  .socket = listener_socket,
                                  .made = server_socket},
                                 4, server_facts());
  on.links.finish();
  CHECK(on.call_of(accepts).completion == completion::at_once);
  CHECK(on.call_of(accepts).received == packets{on.ack});
  CHECK(on.packet_of(on.ack).completes.empty());
}

TEST_CASE("correlate: a segment that leaves after its call is still that call's", "[trace][correlate]") {
  world on;
  on.connect();
  const call_id first = on.run(sends(10), 10);
  const call_id second = on.run(sends(30), 30);
  const call_id third = on.run(sends(5), 5);
  // Nagle's algorithm merged the octets and cut them at other places than the calls; the sequence numbers wrap around.
  const packet_id one = on.from_client(tcp_flag::ack, world::client_isn + 1, 20, world::server_isn + 1);
  const packet_id two = on.from_client(tcp_flag::ack, world::client_isn + 21, 25, world::server_isn + 1);
  on.links.finish();
  CHECK(on.packet_of(one).calls == calls{first, second});
  CHECK(on.packet_of(two).calls == calls{second, third});
  CHECK(on.packet_of(two).offset == 20);
  CHECK(on.call_of(second).sent == packets{one, two});
}

TEST_CASE("correlate: what leaves during a call is the call's, before it has returned", "[trace][correlate]") {
  world on;
  on.connect();
  const call_id before = on.run(sends(4), 4);
  const packet_id early = on.from_client(tcp_flag::ack, world::client_isn + 1, 4);
  const call under_way = on.enter(sends(100));
  const packet_id one = on.from_client(tcp_flag::ack, world::client_isn + 5, 60);
  const packet_id two = on.from_client(tcp_flag::ack, world::client_isn + 65, 40);
  on.leave(under_way, 100);
  on.links.finish();
  CHECK(on.packet_of(early).calls == calls{before});
  CHECK(on.packet_of(one).calls == calls{under_way.id});
  CHECK(on.packet_of(two).calls == calls{under_way.id});
}

TEST_CASE("correlate: a repeated segment is marked, and keeps its call", "[trace][correlate]") {
  world on;
  on.connect();
  const call_id sent = on.run(sends(10), 10);
  const packet_id one = on.from_client(tcp_flag::ack, world::client_isn + 1, 10);
  const packet_id again = on.from_client(tcp_flag::ack, world::client_isn + 1, 10);
  on.links.finish();
  CHECK_FALSE(on.packet_of(one).is_retransmission);
  CHECK(on.packet_of(again).is_retransmission);
  CHECK(on.packet_of(again).calls == calls{sent});
}

TEST_CASE("correlate: recv is completed by the segment with its first octet, and names all that it took",
          "[trace][correlate]") {
  world on;
  on.connect();
  const call waits = on.enter(receives(100));
  on.run(sends(12), 12);
  const packet_id one = on.from_client(tcp_flag::ack, world::client_isn + 1, 8);
  const packet_id two = on.from_client(tcp_flag::ack, world::client_isn + 9, 4);
  on.leave(waits, 10);
  const call_id rest = on.run(receives(100), 2);
  on.links.finish();
  CHECK(on.call_of(waits.id).completion == completion::by_packet);
  CHECK(on.call_of(waits.id).completed_by == one);
  CHECK(on.call_of(waits.id).received == packets{one, two});
  CHECK(on.call_of(rest).completion == completion::at_once);
  CHECK(on.call_of(rest).received == packets{two});
  CHECK(on.packet_of(two).delivered_to == calls{waits.id, rest});
}

TEST_CASE("correlate: MSG_WAITALL is completed by the last segment, MSG_PEEK takes nothing away",
          "[trace][correlate]") {
  world on;
  on.connect();
  call all = receives(12);
  all.takes_all = true;
  all = on.enter(all);
  on.from_client(tcp_flag::ack, world::client_isn + 1, 8);
  const packet_id last = on.from_client(tcp_flag::ack, world::client_isn + 9, 4);
  on.leave(all, 12);
  const packet_id more = on.from_client(tcp_flag::ack, world::client_isn + 13, 3);
  call peek = receives(3);
  peek.is_peek = true;
  const call_id peeked = on.run(peek, 3);
  const call_id taken = on.run(receives(3), 3);
  on.links.finish();
  CHECK(on.call_of(all.id).completed_by == last);
  CHECK(on.call_of(peeked).received == packets{more});
  CHECK(on.call_of(taken).received == packets{more});
}

TEST_CASE("correlate: FIN is close's, or shutdown's before it; it completes the recv that returns 0",
          "[trace][correlate]") {
  world on;
  on.connect();
  const call waits = on.enter(receives(100));
  const call_id shut = on.run({.process = client_process,
                               .name = "shutdown",
                               .kind = call_kind::shutdown,
                               .socket = client_socket,
                               .ends_sending = true},
                              0);
  const call closes =
      on.enter({.name = "close", .kind = call_kind::close, .socket = client_socket, .ends_sending = true});
  const packet_id fin = on.from_client(tcp_flag::fin | tcp_flag::ack, world::client_isn + 1);
  on.leave(closes, 0);
  on.leave(waits, 0);
  const call ends =
      on.enter({.process = server_process, .name = "exit", .kind = call_kind::exit, .ready = {server_socket}});
  const packet_id back = on.from_server(tcp_flag::fin | tcp_flag::ack, world::server_isn + 1);
  on.leave(ends, 0);
  on.links.finish();
  CHECK(on.packet_of(fin).calls == calls{shut});
  CHECK(on.packet_of(fin).completes == calls{waits.id});
  CHECK(on.packet_of(back).calls == calls{ends.id});
}

TEST_CASE("correlate: an exec that fails closes nothing: the FIN is that of a later call", "[trace][correlate]") {
  world on;
  on.connect();
  const call executes{.name = "execve", .kind = call_kind::close, .ready = {client_socket}};
  for ([[maybe_unused]] const int path : {1, 2}) on.run(executes, -ENOENT);
  const packet_id fin = on.from_client(tcp_flag::fin | tcp_flag::ack, world::client_isn + 1, 0, world::server_isn + 1);
  on.links.finish();
  CHECK(on.packet_of(fin).calls.empty());

  world again;
  again.connect();
  again.run(executes, -ENOENT);
  const call_id succeeds = again.run(executes, 0);
  const packet_id end =
      again.from_client(tcp_flag::fin | tcp_flag::ack, world::client_isn + 1, 0, world::server_isn + 1);
  again.links.finish();
  CHECK(again.packet_of(end).calls == calls{succeeds});
}

TEST_CASE("correlate: a refused connect is completed by the reset, of which the reason is told", "[trace][correlate]") {
  world on;
  const call connects =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = client_socket, .target = at_port(server_port)},
               unconnected_facts());
  on.from_client(tcp_flag::syn, 1);
  const packet_id reset = on.from_server(tcp_flag::rst | tcp_flag::ack, 0, 0, 2);
  on.leave(connects, -ECONNREFUSED, unconnected_facts());
  on.links.finish();
  CHECK(on.packet_of(reset).role == packet_role::reset);
  CHECK(on.packet_of(reset).reason == "no socket listens on this port");
  CHECK(on.call_of(connects.id).completed_by == reset);
}

TEST_CASE("correlate: the kernel's own packets are said to be its own", "[trace][correlate]") {
  world on;
  on.connect();
  on.run(sends(10), 10);
  on.from_client(tcp_flag::ack, world::client_isn + 1, 10, world::server_isn + 1);
  const packet_id ack = on.from_server(tcp_flag::ack, world::server_isn + 1, 0, world::client_isn + 11);
  const packet_id update = on.send({.source = at_port(server_port),
                                    .destination = at_port(client_port),
                                    .flags = tcp_flag::ack,
                                    .sequence = world::server_isn + 1,
                                    .acknowledged = world::client_isn + 11,
                                    .window = 900});
  const packet_id probe = on.from_client(tcp_flag::ack, world::client_isn + 10, 0, world::server_isn + 1);
  on.links.finish();
  CHECK(on.packet_of(ack).role == packet_role::acknowledgement);
  CHECK(on.packet_of(update).role == packet_role::window_update);
  CHECK(on.packet_of(probe).role == packet_role::keep_alive);
}

TEST_CASE("correlate: a connection that was open before is numbered by what is sent since", "[trace][correlate]") {
  world on;
  const call first = on.enter(sends(10), client_facts());
  const packet_id one = on.from_client(tcp_flag::ack, 77, 10);
  on.leave(first, 10);
  const call_id second = on.run(sends(5), 5);
  const packet_id two = on.from_client(tcp_flag::ack, 87, 5);
  on.links.finish();
  CHECK(on.packet_of(one).calls == calls{first.id});
  CHECK(on.packet_of(two).calls == calls{second});
}

TEST_CASE("correlate: of two connects to one place each gets its own SYN, when its address is known",
          "[trace][correlate]") {
  world on;
  constexpr socket_id other_socket = 101;
  const call one =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = client_socket, .target = at_port(server_port)},
               unconnected_facts());
  const call other =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = other_socket, .target = at_port(server_port)},
               socket_facts{.id = other_socket});
  const packet_id other_syn = on.send(
      {.source = at_port(client_port + 1), .destination = at_port(server_port), .flags = tcp_flag::syn, .sequence = 5});
  const packet_id syn = on.from_client(tcp_flag::syn, 9);
  on.leave(other, -EINPROGRESS,
           socket_facts{.id = other_socket, .local = at_port(client_port + 1), .remote = at_port(server_port)});
  on.leave(one, -EINPROGRESS, client_facts());
  on.links.finish();
  CHECK(on.packet_of(syn).calls == calls{one.id});
  CHECK(on.packet_of(other_syn).calls == calls{other.id});
}

TEST_CASE("correlate: this holds as well where the listener is traced, too", "[trace][correlate]") {
  world on;
  on.listen();
  constexpr socket_id other_socket = 101;
  const call one =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = client_socket, .target = at_port(server_port)},
               unconnected_facts());
  const call other =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = other_socket, .target = at_port(server_port)},
               socket_facts{.id = other_socket});
  on.handshake();
  on.leave(one, 0, client_facts());
  on.leave(other, -EINPROGRESS,
           socket_facts{.id = other_socket, .local = at_port(client_port + 1), .remote = at_port(server_port)});
  on.links.finish();
  CHECK(on.packet_of(on.syn).calls == calls{one.id});
  CHECK(on.call_of(one.id).completed_by == on.syn_ack);
}

TEST_CASE("correlate: ports that are used again make another connection", "[trace][correlate]") {
  world on;
  on.connect();
  on.run(sends(10), 10);
  on.from_client(tcp_flag::ack, world::client_isn + 1, 10);
  constexpr socket_id again = 102;
  const call connects =
      on.enter({.name = "connect", .kind = call_kind::connect, .socket = again, .target = at_port(server_port)},
               socket_facts{.id = again});
  on.from_client(tcp_flag::syn, 1000);
  on.from_server(tcp_flag::syn | tcp_flag::ack, 1, 0, 1001);
  socket_facts facts = client_facts();
  facts.id = again;
  on.leave(connects, 0, facts);
  call sent = sends(3);
  sent.socket = again;
  const call_id now = on.run(sent, 3);
  const packet_id one = on.from_client(tcp_flag::ack, 1001, 3);
  on.links.finish();
  CHECK(on.packet_of(one).calls == calls{now});
  CHECK(on.packet_of(one).offset == 0);
}

TEST_CASE("correlate: a stranger's packets are not ours", "[trace][correlate]") {
  world on;
  on.connect();
  const packet_id syn =
      on.send({.source = at_port(1, 9), .destination = at_port(2, 9), .flags = tcp_flag::syn, .sequence = 5});
  on.send({.source = at_port(5, 9), .destination = at_port(6, 9), .flags = tcp_flag::ack, .sequence = 5, .payload = 7});
  on.links.finish();
  const linked_packet* kept = on.links.find_packet(syn);
  CHECK((kept == nullptr || !kept->is_ours));
  CHECK(on.links.find_packet(syn + 1) == nullptr);
}

TEST_CASE("correlate: poll is completed by the first packet that made a socket ready", "[trace][correlate]") {
  world on;
  on.connect();
  const call waits = on.enter({.process = server_process, .name = "poll", .kind = call_kind::wait});
  const packet_id one = on.from_client(tcp_flag::ack, world::client_isn + 1, 10);
  on.from_client(tcp_flag::ack, world::client_isn + 11, 10);
  call ready = waits;
  ready.ready = {server_socket};
  on.leave(ready, 1);
  call at_once = on.enter({.process = server_process, .name = "poll", .kind = call_kind::wait});
  at_once.ready = {server_socket};
  on.leave(at_once, 1);
  const call_id timed_out = on.run({.process = server_process, .name = "poll", .kind = call_kind::wait}, 0);
  on.links.finish();
  CHECK(on.call_of(waits.id).completed_by == one);
  CHECK(on.call_of(at_once.id).completion == completion::at_once);
  CHECK(on.call_of(timed_out).completion == completion::timed_out);
}

TEST_CASE("correlate: datagrams go one to one, also where the port comes with the first", "[trace][correlate][udp]") {
  world on;
  const socket_facts server{.id = server_socket, .protocol = protocol::udp, .local = at_port(server_port)};
  const call waits = on.enter(receives(100), server);
  call first = sends(5);
  first.target = at_port(server_port);
  first = on.enter(first, socket_facts{.id = client_socket, .protocol = protocol::udp});
  const packet udp{
      .protocol = protocol::udp, .source = at_port(client_port), .destination = at_port(server_port), .payload = 5};
  const packet_id one = on.send(udp);
  on.leave(first, 5, socket_facts{.id = client_socket, .protocol = protocol::udp, .local = at_port(client_port)});
  call taken = waits;
  taken.from = at_port(client_port);
  on.leave(taken, 5);
  call second = sends(5);
  second.target = at_port(server_port);
  const call_id sent = on.run(second, 5);
  const packet_id two = on.send(udp);
  on.links.finish();
  CHECK(on.packet_of(one).calls == calls{first.id});
  CHECK(on.packet_of(one).completes == calls{waits.id});
  CHECK(on.packet_of(two).calls == calls{sent});
  CHECK(on.packet_of(two).delivered_to.empty());
}

TEST_CASE("correlate: an ICMP error belongs to the call that reports it", "[trace][correlate][udp]") {
  world on;
  const socket_facts facts{
      .id = client_socket, .protocol = protocol::udp, .local = at_port(client_port), .remote = at_port(server_port)};
  on.leave(on.enter(sends(5), facts), 5);
  on.send(
      {.protocol = protocol::udp, .source = at_port(client_port), .destination = at_port(server_port), .payload = 5});
  const call waits = on.enter(receives(100, client_socket));
  const packet_id error =
      on.send({.protocol = protocol::icmp,
               .source = at_port(0),
               .destination = at_port(0),
               .icmp = icmp_error{3, 3, protocol::udp, at_port(client_port), at_port(server_port)}});
  on.leave(waits, -ECONNREFUSED);
  on.links.finish();
  CHECK(on.packet_of(error).role == packet_role::icmp_error);
  CHECK(on.call_of(waits.id).completed_by == error);
}

TEST_CASE("correlate: what is retired is gone, and many closed sockets leave nothing behind", "[trace][correlate]") {
  world on;
  on.connect();
  on.links.finish();
  on.links.retire(on.links.last());
  CHECK(on.links.find_packet(on.syn) == nullptr);
  CHECK(on.links.find_call(on.connecting) == nullptr);
  for (socket_id id = 1000; id < 10000; ++id) {
    on.links.learn({.id = id, .local = at_port(static_cast<std::uint16_t>(id)), .remote = at_port(server_port)}, 0, 2s);
    on.leave(on.enter({.name = "close", .kind = call_kind::close, .socket = id, .ends_sending = true}), 0);
  }
  on.links.finish();
  CHECK(on.links.find_socket(1000) == nullptr);
  CHECK(on.links.find_socket(9999) != nullptr);
}

}  // namespace netlab::trace::correlate_test
