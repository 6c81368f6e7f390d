// SPDX-License-Identifier: MIT
#include "scan/neighbour_packet.hpp"

#include <catch2/catch_test_macros.hpp>

#include "base/text.hpp"
#include "packets.hpp"

namespace netlab::scan::neighbour_packet_test {

namespace {

using test::ip;
using test::set_octet;

std::optional<neighbour_answer> advertised(bytes_view octets, const mac_address& sender) {
  const auto packet = parse_ip_packet(octets);
  return packet ? parse_advertisement(*packet, octets, sender) : std::nullopt;
}

}  // namespace

TEST_CASE("neighbour packet: an ARP request asks for the host, a reply tells it", "[scan][neighbour_packet]") {
  const mac_address own{2, 0, 0, 0, 0, 1};
  const auto request = make_arp_request(own, ip("192.0.2.1"), ip("192.0.2.2"));
  CHECK(to_hex(request) ==
        "0001080006040001"
        "020000000001"
        "c0000201"
        "000000000000"
        "c0000202");
  const auto sender = parse_arp(request);
  REQUIRE(sender);
  CHECK(sender->who == ip("192.0.2.1"));
  CHECK(sender->mac == own);
  CHECK_FALSE(parse_arp(bytes_view(request).first(27)));
  const auto probe = make_arp_request(own, ip("0.0.0.0"), ip("192.0.2.2"));
  CHECK_FALSE(parse_arp(probe));
}

TEST_CASE("neighbour packet: a neighbour solicitation is right, and an advertisement is read",
          "[scan][neighbour_packet]") {
  const mac_address own{2, 0, 0, 0, 0, 1};
  const mac_address theirs{2, 0, 0, 0, 0, 2};
  const auto request = make_solicitation(own, ip("2001:db8::1"), ip("2001:db8::a1:b2c3"));
  CHECK(to_hex(bytes_view(request).subspan(24, 16)) == "ff0200000000000000000001ffa1b2c3");
  CHECK(solicited_node_mac(ip("2001:db8::a1:b2c3")) == mac_address{0x33, 0x33, 0xff, 0xa1, 0xb2, 0xc3});
  CHECK(internet_checksum(bytes_view(request).subspan(8), 32 + 58) == 0);
  CHECK_FALSE(advertised(request, theirs));
  bytes answer(request.begin(), request.end());
  set_octet(answer, 40, 136);
  set_octet(answer, 64, 2);  // the target's link-layer address
  const auto found = advertised(answer, theirs);
  REQUIRE(found);
  CHECK(found->who == ip("2001:db8::a1:b2c3"));
  CHECK(found->mac == own);
  answer.resize(64);  // without the option: as the frame says
  CHECK(advertised(answer, theirs)->mac == theirs);
  set_octet(answer, 7, 64);  // a router forwarded it
  CHECK_FALSE(advertised(answer, theirs));
}

}  // namespace netlab::scan::neighbour_packet_test
