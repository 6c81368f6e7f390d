// SPDX-License-Identifier: MIT
#include "scan/udp_packet.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

#include "base/text.hpp"
#include "packets.hpp"

namespace netlab::scan::udp_packet_test {

namespace {

using test::ip;

bytes datagram_from(const char* from, const char* to, std::uint16_t from_port, std::uint16_t to_port,
                    std::string_view text) {
  const udp_writer writer(ip(from));
  bytes made(writer.size(as_bytes(text)));
  writer.write(made, ip(to), from_port, to_port, as_bytes(text));
  return made;
}

}  // namespace

TEST_CASE("udp packet: an IPv4 datagram is the one that tshark reads without a complaint", "[scan][udp_packet]") {
  CHECK(to_hex(datagram_from("192.0.2.1", "192.0.2.2", 1024, 53, "abc")) ==
        "4500001f040000004011f2ca"
        "c0000201"
        "c0000202"
        "04000035000b"
        "b33c"
        "616263");
}

TEST_CASE("udp packet: the checksum is right for any size, and never 0", "[scan][udp_packet]") {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string text(size, static_cast<char>(size * 7));
    const auto length = static_cast<std::uint32_t>(8 + size);
    const bytes made = datagram_from("192.0.2.1", "198.51.100.2", 65535, 1, text);
    CHECK(internet_checksum(bytes_view(made).subspan(12), protocol_udp + length) == 0);
    const bytes made6 = datagram_from("2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 1, text);
    CHECK(internet_checksum(bytes_view(made6).subspan(8), protocol_udp + length) == 0);
  }
  int zeros = 0;
  for (unsigned port = 1; port < 65536; ++port) {
    const bytes made = datagram_from("192.0.2.1", "192.0.2.2", static_cast<std::uint16_t>(port), 53, "ab");
    const std::string checksum = to_hex(bytes_view(made).subspan(26, 2));
    CHECK(checksum != "0000");
    zeros += checksum == "ffff" ? 1 : 0;
  }
  CHECK(zeros == 1);  // the one that would be 0
}

TEST_CASE("udp packet: a datagram is read, also one of which only the beginning is there", "[scan][udp_packet]") {
  const bytes made = datagram_from("192.0.2.1", "192.0.2.2", 1024, 53, "abcdef");
  const bytes_view udp = bytes_view(made).subspan(20);
  const auto read = parse_udp(udp);
  REQUIRE(read);
  CHECK(read->from_port == 1024);
  CHECK(read->to_port == 53);
  CHECK(read->size == 6);
  CHECK(as_text(read->payload) == "abcdef");
  CHECK(parse_udp(udp.first(10))->size == 6);
  CHECK(as_text(parse_udp(udp.first(10))->payload) == "ab");
  for (std::size_t size = 0; size < 8; ++size) CHECK_FALSE(parse_udp(udp.first(size)));
  bytes longer(udp.begin(), udp.end());
  longer.resize(20);  // what the length does not count is not part of it
  CHECK(as_text(parse_udp(longer)->payload) == "abcdef");
  test::set_octet(longer, 5, 7);  // a length that does not even count the header
  CHECK_FALSE(parse_udp(longer));
}

}  // namespace netlab::scan::udp_packet_test
