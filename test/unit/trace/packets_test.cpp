// SPDX-License-Identifier: MIT
#include "trace/packets.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/octets.hpp"

namespace netlab::trace::packets_test {

namespace {

bytes from_hex(std::string_view notation) {
  const std::string text = test::octets(notation);
  bytes octets;
  append(octets, text);
  return octets;
}

// 127.0.0.1:40000 > 127.0.0.1:4711, SYN, 12 octets of options
constexpr std::string_view syn =
    "45000034 00004000 4006 0000 7f000001 7f000001 9c401267 0000000a 00000000 8002ffff 0000 0000 0204ffd7 01010402 "
    "01030307";
// 4 octets of UDP from [::1]:53 to [::1]:40000, after a hop-by-hop header
constexpr std::string_view udp =
    "60000000 0014 00 40 00000000000000000000000000000001 00000000000000000000000000000001 "
    "1100010400000000 0035 9c40 000c 0000 61626364";
// port unreachable, about a UDP datagram from 127.0.0.1:40000 to 127.0.0.1:9
constexpr std::string_view unreachable =
    "45c00038 00000000 4001 0000 7f000001 7f000001 0303 0000 00000000 "
    "4500001c 00004000 4011 0000 7f000001 7f000001 9c400009 00080000";

}  // namespace

TEST_CASE("packets: a segment of IPv4 is read", "[trace][packets]") {
  const auto octets = from_hex(syn);
  const auto read = parse_packet(octets, octets.size());
  REQUIRE(read);
  CHECK(read->protocol == protocol::tcp);
  CHECK(to_string(read->source) == "127.0.0.1:40000");
  CHECK(to_string(read->destination) == "127.0.0.1:4711");
  CHECK(read->sequence == 10);
  CHECK(read->flags == tcp_flag::syn);
  CHECK(read->payload == 0);
  CHECK(describe(*read) == "SYN");
}

TEST_CASE("packets: a datagram of IPv6 is read, after extension headers", "[trace][packets]") {
  const auto octets = from_hex(udp);
  const auto read = parse_packet(octets, octets.size());
  REQUIRE(read);
  CHECK(to_string(read->source) == "[::1]:53");
  CHECK(read->payload == 4);
  CHECK(describe(*read) == "UDP 4 octets");
}

TEST_CASE("packets: an ICMP error names the packet that it is about", "[trace][packets]") {
  const auto octets = from_hex(unreachable);
  const auto read = parse_packet(octets, octets.size());
  REQUIRE(read);
  REQUIRE(read->icmp);
  CHECK(read->icmp->about == protocol::udp);
  CHECK(to_string(read->icmp->source) == "127.0.0.1:40000");
  CHECK(to_string(read->icmp->destination) == "127.0.0.1:9");
  CHECK(describe(*read) == "ICMP port unreachable");
}

TEST_CASE("packets: one whose headers are cut is none, one whose payload is cut is whole by its lengths",
          "[trace][packets]") {
  for (const std::string_view each : {syn, udp, unreachable}) {
    const auto octets = from_hex(each);
    const std::size_t least = each == syn ? 40 : each == udp ? 56 : octets.size() - 4;
    for (std::size_t length = 0; length <= octets.size(); ++length) {
      const auto read = parse_packet(bytes_view(octets).first(length), octets.size());
      CHECK(read.has_value() == (length >= least));
    }
  }
}

TEST_CASE("packets: other protocols, and ICMP that is no error, are none", "[trace][packets]") {
  auto octets = from_hex(syn);
  octets[9] = std::byte{47};
  CHECK_FALSE(parse_packet(octets, octets.size()));
  octets = from_hex(unreachable);
  octets[20] = std::byte{8};
  CHECK_FALSE(parse_packet(octets, octets.size()));
}

TEST_CASE("packets: a segment longer than IPv4 can say counts by what was captured", "[trace][packets]") {
  auto octets = from_hex(syn);
  octets[2] = octets[3] = std::byte{0};
  const auto read = parse_packet(octets, 100032);
  REQUIRE(read);
  CHECK(read->payload == 100032 - 52 + 0U);
}

TEST_CASE("packets: an IPv4 address in IPv6's clothes is IPv4", "[trace][packets]") {
  const auto mapped = from_hex("00000000000000000000ffff7f000001");
  CHECK(to_string(make_address(mapped, 7)) == "127.0.0.1:7");
}

}  // namespace netlab::trace::packets_test
