// SPDX-License-Identifier: MIT
#include "trace/tcp_states.hpp"

#include <catch2/catch_test_macros.hpp>

#include "unit/trace/world.hpp"

namespace netlab::trace::tcp_states_test {

using namespace testing;

namespace {

/// The states of client and server after each packet: `ESTABLISHED CLOSE-WAIT`.
class watched {
 public:
  std::string client(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged) {
    return see(at_port(client_port), at_port(server_port), flags, sequence, acknowledged, true);
  }
  std::string server(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged) {
    return see(at_port(server_port), at_port(client_port), flags, sequence, acknowledged, false);
  }

 private:
  std::string see(address from, address to, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged,
                  bool is_client) {
    const auto states = tracker_.see(
        {.source = from, .destination = to, .flags = flags, .sequence = sequence, .acknowledged = acknowledged});
    return std::string(name_of(is_client ? states.sender : states.receiver)) + " " +
           std::string(name_of(is_client ? states.receiver : states.sender));
  }
  tcp_state_tracker tracker_;
};

constexpr std::uint8_t syn = tcp_flag::syn;
constexpr std::uint8_t ack = tcp_flag::ack;
constexpr std::uint8_t fin = tcp_flag::fin | tcp_flag::ack;

}  // namespace

TEST_CASE("tcp states: from the handshake to TIME-WAIT", "[trace][states]") {
  watched on;
  CHECK(on.client(syn, 10, 0) == "SYN-SENT LISTEN");
  CHECK(on.server(syn | ack, 20, 11) == "ESTABLISHED SYN-RECEIVED");
  CHECK(on.client(ack, 11, 21) == "ESTABLISHED ESTABLISHED");
  CHECK(on.client(fin, 11, 21) == "FIN-WAIT-1 CLOSE-WAIT");
  CHECK(on.server(ack, 21, 12) == "FIN-WAIT-2 CLOSE-WAIT");
  CHECK(on.server(fin, 21, 12) == "TIME-WAIT LAST-ACK");
  CHECK(on.client(ack, 12, 22) == "TIME-WAIT CLOSED");
}

TEST_CASE("tcp states: FIN and its acknowledgement in one segment, both at once, and a reset", "[trace][states]") {
  watched on;
  on.client(syn, 10, 0);
  on.server(syn | ack, 20, 11);
  on.client(ack, 11, 21);
  on.client(fin, 11, 21);
  CHECK(on.server(fin, 21, 12) == "TIME-WAIT LAST-ACK");
  watched both;
  both.client(ack, 11, 21);  // the connection was already open
  both.client(fin, 11, 21);
  CHECK(both.server(fin, 21, 11) == "CLOSING LAST-ACK");
  watched refused;
  refused.client(syn, 10, 0);
  CHECK(refused.server(tcp_flag::rst | ack, 0, 11) == "CLOSED CLOSED");
}

}  // namespace netlab::trace::tcp_states_test
