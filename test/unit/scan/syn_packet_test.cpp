// SPDX-License-Identifier: MIT
#include "scan/syn_packet.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "base/text.hpp"
#include "packets.hpp"

namespace netlab::scan::syn_packet_test {

namespace {

using test::ip;

bytes syn_from(const char* from, const char* to, std::uint16_t from_port, std::uint16_t to_port,
               std::uint32_t sequence) {
  const syn_writer writer(ip(from));
  std::array<std::byte, syn_writer::max_size> octets{};
  writer.write(octets, ip(to), from_port, to_port, sequence);
  return {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(writer.size())};
}

/// The segment that answers a SYN: other flags, the sequence number acknowledged.
bytes answer_to(const bytes& syn, unsigned flags) {
  const std::size_t header = std::to_integer<unsigned>(syn[0]) >> 4 == 6 ? 40 : 20;
  bytes made = test::returned(syn);
  made.erase(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(header));
  store_u32(std::span(made).subspan(8), load_u32(bytes_view(syn).subspan(header + 4), byte_order::big) + 1,
            byte_order::big);
  test::set_octet(made, 13, flags);
  return made;
}

}  // namespace

TEST_CASE("syn packet: an IPv4 SYN is the one that tshark reads without a complaint", "[scan][syn_packet]") {
  const bytes made = syn_from("192.0.2.1", "192.0.2.2", 1024, 80, 0x01020304);
  CHECK(to_hex(made) ==
        "4500002c000040004006b6c8"
        "c0000201"
        "c0000202"
        "04000050"
        "01020304"
        "00000000"
        "6002faf0" +
            to_hex(bytes_view(made).subspan(36, 2)) +
            "0000"
            "020405b4");
  // The checksum of what contains its own checksum is 0.
  CHECK(internet_checksum(bytes_view(made).first(20)) == 0);
  CHECK(internet_checksum(bytes_view(made).subspan(12), 6 + 24) == 0);
}

TEST_CASE("syn packet: an IPv6 SYN has a right checksum", "[scan][syn_packet]") {
  const bytes made = syn_from("2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535, 0xffffffff);
  REQUIRE(made.size() == 64);
  CHECK(internet_checksum(bytes_view(made).subspan(8), 6 + 24) == 0);
}

TEST_CASE("syn packet: the checksum is right for many addresses, ports and numbers", "[scan][syn_packet]") {
  for (std::uint32_t step = 0; step < 2000; ++step) {
    const std::uint32_t scattered = step * 2654435761U;
    const syn_writer writer(address::v4(scattered));
    std::array<std::byte, syn_writer::max_size> octets{};
    writer.write(octets, address::v4(~scattered), static_cast<std::uint16_t>(scattered >> 7),
                 static_cast<std::uint16_t>(scattered >> 3), scattered ^ 0x5a5a5a5a);
    CHECK(internet_checksum(bytes_view(octets).first(20)) == 0);
    CHECK(internet_checksum(bytes_view(octets).subspan(12, 32), 6 + 24) == 0);
  }
}

TEST_CASE("syn packet: SYN-ACK and reset are answers, with what they answer", "[scan][syn_packet]") {
  const bool is_v6 = GENERATE(false, true);
  const bytes syn = is_v6 ? syn_from("2001:db8::1", "2001:db8::2", 1024, 80, 0xfffffffe)
                          : syn_from("192.0.2.1", "192.0.2.2", 1024, 80, 0xfffffffe);
  for (const auto& [flags, is_reset] : {std::pair{0x12U, false}, {0x14U, true}, {0x16U, true}, {0x52U, false}}) {
    const auto found = parse_syn_answer(answer_to(syn, flags));
    REQUIRE(found);
    CHECK(found->is_reset == is_reset);
    CHECK(found->port == 80);
    CHECK(found->own_port == 1024);
    CHECK(found->sequence == 0xfffffffe);
  }
  for (const unsigned flags : {0x00U, 0x02U, 0x04U, 0x10U, 0x11U, 0x18U})
    CHECK_FALSE(parse_syn_answer(answer_to(syn, flags)));
}

TEST_CASE("syn packet: truncated segments are no answers", "[scan][syn_packet]") {
  const bytes answer = answer_to(syn_from("192.0.2.1", "192.0.2.2", 1024, 80, 5), 0x12);
  CHECK(parse_syn_answer(answer));
  for (std::size_t size = 0; size < 20; ++size) CHECK_FALSE(parse_syn_answer(bytes_view(answer).first(size)));
}

}  // namespace netlab::scan::syn_packet_test
