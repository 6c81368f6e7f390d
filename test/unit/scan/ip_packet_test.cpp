// SPDX-License-Identifier: MIT
#include "scan/ip_packet.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "base/text.hpp"
#include "packets.hpp"

namespace netlab::scan::ip_packet_test {

namespace {

using test::ip;

bytes packet_from(const char* from, const char* to, std::uint8_t protocol, bytes_view payload) {
  const ip_header_writer header(ip(from), protocol);
  bytes made(header.size());
  header.write(made, ip(to), payload.size());
  append(made, payload);
  return made;
}

std::optional<packet_error> error_in(bytes_view octets) {
  const auto packet = parse_ip_packet(octets);
  return packet ? parse_icmp_error(*packet) : std::nullopt;
}

}  // namespace

TEST_CASE("ip packet: a header is written with its length and checksum, and read again", "[scan][ip_packet]") {
  const auto [from, to] =
      GENERATE(std::pair{"192.0.2.1", "198.51.100.255"}, std::pair{"2001:db8::1", "2001:db8::ffff:2"});
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{1452}}) {
    const bytes payload(size, std::byte{0xa5});
    const bytes made = packet_from(from, to, protocol_udp, payload);
    if (ip(from).is_v6)
      CHECK(to_hex(bytes_view(made).first(4)) == "60000000");
    else
      CHECK(internet_checksum(bytes_view(made).first(20)) == 0);
    const auto read = parse_ip_packet(made);
    REQUIRE(read);
    CHECK(read->is_v6 == ip(from).is_v6);
    CHECK(read->protocol == protocol_udp);
    CHECK(read->from == ip(from));
    CHECK(read->to == ip(to));
    CHECK(read->payload.size() == size);
  }
}

TEST_CASE("ip packet: what follows the packet in its frame is not part of it", "[scan][ip_packet]") {
  bytes made = packet_from("192.0.2.1", "192.0.2.2", protocol_udp, as_bytes("12345678"));
  made.resize(46);  // the padding of Ethernet
  CHECK(parse_ip_packet(made)->payload.size() == 8);
  bytes made6 = packet_from("2001:db8::1", "2001:db8::2", protocol_udp, as_bytes("12345678"));
  made6.resize(60);
  CHECK(parse_ip_packet(made6)->payload.size() == 8);
}

TEST_CASE("ip packet: IPv6 extension headers are skipped", "[scan][ip_packet]") {
  bytes options(16);
  options[0] = std::byte{protocol_udp};
  options[1] = std::byte{1};
  append(options, as_bytes("12345678"));
  const bytes made = packet_from("2001:db8::1", "2001:db8::2", 60, options);
  const auto read = parse_ip_packet(made);
  REQUIRE(read);
  CHECK(read->protocol == protocol_udp);
  CHECK(as_text(read->payload) == "12345678");
  CHECK_FALSE(parse_ip_packet(packet_from("2001:db8::1", "2001:db8::2", 60, bytes_view(options).first(15))));
}

TEST_CASE("ip packet: of an IPv6 packet in fragments, the first one is read", "[scan][ip_packet]") {
  bytes fragment(8);
  fragment[0] = std::byte{protocol_udp};
  fragment[3] = std::byte{1};  // more follow
  append(fragment, as_bytes("12345678"));
  const bytes packet = packet_from("2001:db8::1", "2001:db8::2", 44, fragment);
  const auto first = parse_ip_packet(packet);
  REQUIRE(first);
  CHECK(first->protocol == protocol_udp);
  CHECK(as_text(first->payload) == "12345678");
  fragment[3] = std::byte{8};
  CHECK_FALSE(parse_ip_packet(packet_from("2001:db8::1", "2001:db8::2", 44, fragment)));
}

TEST_CASE("ip packet: an identification allows fragments", "[scan][ip_packet]") {
  const ip_header_writer header(ip("192.0.2.1"), protocol_udp);
  bytes made(header.size());
  header.write(made, ip("192.0.2.2"), 100, 0x1234);
  CHECK(to_hex(bytes_view(made).subspan(4, 4)) == "12340000");
  CHECK(internet_checksum(made) == 0);
  header.write(made, ip("192.0.2.2"), 100);
  CHECK(to_hex(bytes_view(made).subspan(4, 4)) == "00004000");
}

TEST_CASE("ip packet: truncated headers, later fragments and other versions are refused", "[scan][ip_packet]") {
  bytes made = packet_from("192.0.2.1", "192.0.2.2", protocol_tcp, {});
  for (std::size_t size = 0; size < 20; ++size) CHECK_FALSE(parse_ip_packet(bytes_view(made).first(size)));
  test::set_octet(made, 7, 1);
  CHECK_FALSE(parse_ip_packet(made));
  test::set_octet(made, 7, 0);
  CHECK(parse_ip_packet(made));
  test::set_octet(made, 0, 0x55);
  CHECK_FALSE(parse_ip_packet(made));
  test::set_octet(made, 0, 0x44);  // a header of 16 octets
  CHECK_FALSE(parse_ip_packet(made));
  const bytes made6 = packet_from("2001:db8::1", "2001:db8::2", protocol_tcp, {});
  for (std::size_t size = 0; size < 40; ++size) CHECK_FALSE(parse_ip_packet(bytes_view(made6).first(size)));
}

TEST_CASE("ip packet: an ICMP error tells which packet it is about, and who sent it", "[scan][ip_packet]") {
  const bytes sent = packet_from("192.0.2.1", "198.51.100.2", protocol_tcp, as_bytes("12345678"));
  const bytes message = test::icmp_about(sent, 3, 13, 28);
  const auto found = error_in(message);
  REQUIRE(found);
  CHECK(found->icmp.type == 3);
  CHECK(found->icmp.code == 13);
  CHECK(found->icmp.sender == ip("192.0.2.9"));
  CHECK(found->quoted.from == ip("192.0.2.1"));
  CHECK(found->quoted.to == ip("198.51.100.2"));
  CHECK(found->quoted.protocol == protocol_tcp);
  CHECK(as_text(found->quoted.payload) == "12345678");
  CHECK_FALSE(error_in(test::icmp_about(sent, 3, 13, 27)));  // less than RFC 792 promises
  CHECK_FALSE(error_in(test::icmp_about(sent, 3, 4, 28)));   // fragmentation needed
  CHECK_FALSE(error_in(test::icmp_about(sent, 8, 0, 28)));
  for (std::size_t size = 0; size < message.size(); ++size) CHECK_FALSE(error_in(bytes_view(message).first(size)));
  const bytes sent6 = packet_from("2001:db8::1", "2001:db8:1::2", protocol_udp, as_bytes("12345678"));
  const bytes message6 = test::icmp_about(sent6, 1, 4, 48);
  const auto found6 = error_in(message6);
  REQUIRE(found6);
  CHECK(found6->icmp.is_v6);
  CHECK(found6->icmp.sender == ip("2001:db8::9"));
  CHECK(found6->quoted.to == ip("2001:db8:1::2"));
}

TEST_CASE("ip packet: its size on Ethernet counts everything from preamble to gap", "[scan][ip_packet]") {
  CHECK(on_ethernet(44) == 84);
  CHECK(on_ethernet(64) == 102);
}

}  // namespace netlab::scan::ip_packet_test
