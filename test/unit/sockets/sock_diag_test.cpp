// SPDX-License-Identifier: MIT
#include "sockets/sock_diag.hpp"

#include <catch2/catch_test_macros.hpp>

#include "captured.hpp"
#include "support/failure.hpp"
#include "support/octets.hpp"

namespace netlab::sockets::sock_diag_test {

using namespace test;

namespace {

std::vector<entry> read(std::string_view hex_octets, transport over = transport::tcp, std::uint32_t sequence = 7) {
  std::vector<entry> out;
  const std::string datagram = octets(hex_octets);
  const auto complete = read_answer(as_bytes(datagram), over, sequence, out);
  REQUIRE(why(complete) == "no failure");
  return out;
}

}  // namespace

TEST_CASE("sock_diag: a captured answer gives the sockets that were there", "[sockets][sock_diag]") {
  const auto all = read(captured_tcp);
  REQUIRE(all.size() == 3);
  CHECK(name_of(all[0].protocol, all[0].state) == "listen");
  CHECK(to_string(all[0].local) == "127.0.0.1:50000");
  CHECK_FALSE(all[0].has_remote());
  CHECK(all[0].is_listening());
  CHECK(all[0].send_queue == 128);
  CHECK(name_of(all[2].protocol, all[2].state) == "established");
  CHECK(to_string(all[2].local) == "127.0.0.1:40000");
  CHECK(to_string(all[2].remote) == "127.0.0.1:50000");
  CHECK(all[2].recv_queue == 5);
  CHECK(all[2].timer.kind == timer_kind::keepalive);
  CHECK(all[2].timer.left_ms > 0);
  CHECK_FALSE(all[2].details);
  CHECK(all[1].inode != 0);
  CHECK(all[2].cookie != all[1].cookie);
}

TEST_CASE("sock_diag: congestion control and round trips, where they were asked for", "[sockets][sock_diag]") {
  const auto all = read(captured_details);
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].details);
  CHECK(all[0].details->congestion == "bbr");
  CHECK(all[0].details->rtt_us > 0);
  CHECK(all[0].details->rtt_us < 10'000);
  CHECK(all[0].details->mss > 500);
  CHECK(all[0].details->retransmits == 0);
}

TEST_CASE("sock_diag: a UDP socket over IPv6", "[sockets][sock_diag]") {
  const auto all = read(captured_udp, transport::udp);
  REQUIRE(all.size() == 1);
  CHECK(name_of(all[0].protocol, all[0].state) == "unconnected");
  CHECK(to_string(all[0].local) == "[::1]:5353");
  CHECK(all[0].is_listening());
}

TEST_CASE("sock_diag: the end of the answer, and messages of another question", "[sockets][sock_diag]") {
  std::vector<entry> out;
  const std::string end = octets(captured_end);
  CHECK(read_answer(as_bytes(end), transport::tcp, 7, out).value());
  CHECK_FALSE(read_answer(as_bytes(end), transport::tcp, 8, out).value());
  CHECK(read(captured_tcp, transport::tcp, 8).empty());
}

TEST_CASE("sock_diag: the kernel's refusal is told with its own error", "[sockets][sock_diag]") {
  std::vector<entry> out;
  const std::string refusal = octets("24000000 0200 0000 07000000 00000000 ffffffff") + std::string(16, '\0');
  CHECK(why(read_answer(as_bytes(refusal), transport::tcp, 7, out)) == "read sockets: operation not permitted");
}

TEST_CASE("sock_diag: an answer cut anywhere is an error or less of an answer, never more", "[sockets][sock_diag]") {
  const std::string whole = octets(captured_tcp) + octets(captured_details);
  std::vector<entry> all;
  REQUIRE(read_answer(as_bytes(whole), transport::tcp, 7, all));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<entry> out;
    const auto read = read_answer(as_bytes(std::string_view(whole).substr(0, size)), transport::tcp, 7, out);
    CHECK((read || failed_with(read, errc::peer_protocol)));
    CHECK(out.size() < all.size());
  }
}

TEST_CASE("sock_diag: the request is as the kernel wants it", "[sockets][sock_diag]") {
  CHECK(hex(make_request({}, transport::tcp, false, 1)) ==
        hex(octets("48000000 1400 0103 01000000 00000000 02 06 00 00 ffffffff") + std::string(48, '\0')));
  CHECK(hex(make_request({.listening = true, .details = true}, transport::tcp, true, 2)) ==
        hex(octets("48000000 1400 0103 02000000 00000000 0a 06 0a 00 00040000") + std::string(48, '\0')));
  CHECK(hex(make_request({.listening = true, .details = true}, transport::udp, true, 3)) ==
        hex(octets("48000000 1400 0103 03000000 00000000 0a 11 00 00 80000000") + std::string(48, '\0')));
  const bytes filtered = make_request({.ports = {{80, 80}}}, transport::tcp, false, 4);
  CHECK(filtered.size() == 72 + 4 + 36);
  CHECK(hex(bytes_view(filtered).subspan(72, 4)) == "28 00 01 00");
}

}  // namespace netlab::sockets::sock_diag_test
