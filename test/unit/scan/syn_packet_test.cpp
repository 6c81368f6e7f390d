// SPDX-License-Identifier: MIT
#include "scan/syn_packet.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <cstring>

#include "base/text.hpp"

namespace netlab::scan::syn_packet_test {

namespace {

address ip(std::string_view text) { return *parse_ip(text); }

bytes syn_from(const char* from, const char* to, std::uint16_t from_port, std::uint16_t to_port,
               std::uint32_t sequence) {
  const syn_writer writer(ip(from));
  std::array<std::byte, syn_writer::max_size> octets{};
  writer.write(octets, ip(to), from_port, to_port, sequence);
  return {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(writer.size())};
}

void set_octet(bytes& of, std::size_t at, unsigned value) { of[at] = static_cast<std::byte>(value); }

/// The answer of a host to a SYN: addresses and ports exchanged, other flags, the sequence number acknowledged.
bytes answer_to(bytes syn, unsigned flags) {
  const bool is_v6 = std::to_integer<unsigned>(syn[0]) >> 4 == 6;
  const std::size_t header = is_v6 ? 40 : 20;
  const std::size_t size = is_v6 ? 16 : 4;
  const std::size_t from = is_v6 ? 8 : 12;
  bytes made = syn;
  std::memcpy(made.data() + from, syn.data() + from + size, size);
  std::memcpy(made.data() + from + size, syn.data() + from, size);
  std::memcpy(made.data() + header, syn.data() + header + 2, 2);
  std::memcpy(made.data() + header + 2, syn.data() + header, 2);
  store_u32(std::span(made).subspan(header + 8), load_u32(bytes_view(syn).subspan(header + 4), byte_order::big) + 1,
            byte_order::big);
  set_octet(made, header + 13, flags);
  return made;
}

bytes icmp_about(const bytes& syn, unsigned type, unsigned code, std::size_t quoted) {
  const bool is_v6 = std::to_integer<unsigned>(syn[0]) >> 4 == 6;
  bytes made(is_v6 ? 40 : 20);
  const std::size_t length = 8 + quoted;
  if (is_v6) {
    set_octet(made, 0, 0x60);
    set_octet(made, 5, static_cast<unsigned>(length));
    set_octet(made, 6, 58);
    const auto router = ip("2001:db8::9").octets();
    std::memcpy(made.data() + 8, router.data(), 16);
  } else {
    set_octet(made, 0, 0x45);
    set_octet(made, 3, static_cast<unsigned>(20 + length));
    set_octet(made, 9, 1);
    const auto router = ip("192.0.2.9").octets();
    std::memcpy(made.data() + 12, router.data(), 4);
  }
  const std::size_t header = made.size();
  made.resize(header + 8);
  set_octet(made, header, type);
  set_octet(made, header + 1, code);
  append(made, bytes_view(syn).first(quoted));
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
  for (const auto& [flags, kind] : {std::pair{0x12U, syn_answer::kind::syn_ack},
                                    {0x14U, syn_answer::kind::reset},
                                    {0x16U, syn_answer::kind::reset},
                                    {0x52U, syn_answer::kind::syn_ack}}) {
    const auto found = parse_syn_answer(answer_to(syn, flags));
    REQUIRE(found);
    CHECK(found->type == kind);
    CHECK(found->target == ip(is_v6 ? "2001:db8::2" : "192.0.2.2"));
    CHECK(found->own == ip(is_v6 ? "2001:db8::1" : "192.0.2.1"));
    CHECK(found->port == 80);
    CHECK(found->own_port == 1024);
    CHECK(found->sequence == 0xfffffffe);
  }
  for (const unsigned flags : {0x00U, 0x02U, 0x04U, 0x10U, 0x11U, 0x18U})
    CHECK_FALSE(parse_syn_answer(answer_to(syn, flags)));
}

TEST_CASE("syn packet: an ICMP error tells which SYN it is about, and who sent it", "[scan][syn_packet]") {
  const bytes syn = syn_from("192.0.2.1", "198.51.100.2", 1024, 80, 77);
  const auto found = parse_syn_answer(icmp_about(syn, 3, 13, 28));
  REQUIRE(found);
  CHECK(found->type == syn_answer::kind::icmp);
  CHECK(found->icmp.type == 3);
  CHECK(found->icmp.code == 13);
  CHECK(found->icmp.sender == ip("192.0.2.9"));
  CHECK(found->target == ip("198.51.100.2"));
  CHECK(found->own == ip("192.0.2.1"));
  CHECK(found->sequence == 77);
  CHECK_FALSE(parse_syn_answer(icmp_about(syn, 3, 13, 27)));  // without the whole sequence number
  CHECK_FALSE(parse_syn_answer(icmp_about(syn, 3, 4, 28)));   // fragmentation needed
  CHECK_FALSE(parse_syn_answer(icmp_about(syn, 8, 0, 28)));
  const bytes syn6 = syn_from("2001:db8::1", "2001:db8:1::2", 1024, 80, 78);
  const auto found6 = parse_syn_answer(icmp_about(syn6, 1, 1, 64));
  REQUIRE(found6);
  CHECK(found6->icmp.sender == ip("2001:db8::9"));
  CHECK(found6->sequence == 78);
}

TEST_CASE("syn packet: truncated packets and fragments are no answers", "[scan][syn_packet]") {
  const bytes syn = syn_from("192.0.2.1", "192.0.2.2", 1024, 80, 5);
  bytes answer = answer_to(syn, 0x12);
  for (std::size_t size = 0; size < 40; ++size) CHECK_FALSE(parse_syn_answer(bytes_view(answer).first(size)));
  CHECK(parse_syn_answer(answer));
  set_octet(answer, 7, 1);  // a later fragment
  CHECK_FALSE(parse_syn_answer(answer));
  const bytes about = icmp_about(syn, 3, 1, 28);
  for (std::size_t size = 0; size < about.size(); ++size) CHECK_FALSE(parse_syn_answer(bytes_view(about).first(size)));
}

TEST_CASE("syn packet: an ARP request asks for the host, a reply tells it", "[scan][syn_packet]") {
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

TEST_CASE("syn packet: a neighbour solicitation is right, and an advertisement is read", "[scan][syn_packet]") {
  const mac_address own{2, 0, 0, 0, 0, 1};
  const mac_address theirs{2, 0, 0, 0, 0, 2};
  const auto request = make_solicitation(own, ip("2001:db8::1"), ip("2001:db8::a1:b2c3"));
  CHECK(to_hex(bytes_view(request).subspan(24, 16)) == "ff0200000000000000000001ffa1b2c3");
  CHECK(solicited_node_mac(ip("2001:db8::a1:b2c3")) == mac_address{0x33, 0x33, 0xff, 0xa1, 0xb2, 0xc3});
  CHECK(internet_checksum(bytes_view(request).subspan(8), 32 + 58) == 0);
  CHECK_FALSE(parse_advertisement(request, theirs));
  bytes answer(request.begin(), request.end());
  set_octet(answer, 40, 136);
  set_octet(answer, 64, 2);  // the target's link-layer address
  const auto found = parse_advertisement(answer, theirs);
  REQUIRE(found);
  CHECK(found->who == ip("2001:db8::a1:b2c3"));
  CHECK(found->mac == own);
  answer.resize(64);  // without the option: as the frame says
  CHECK(parse_advertisement(answer, theirs)->mac == theirs);
  set_octet(answer, 7, 64);  // a router forwarded it
  CHECK_FALSE(parse_advertisement(answer, theirs));
}

TEST_CASE("syn packet: its size on Ethernet counts everything from preamble to gap", "[scan][syn_packet]") {
  CHECK(syn_writer::on_ethernet(44) == 84);
  CHECK(syn_writer::on_ethernet(64) == 102);
}

}  // namespace netlab::scan::syn_packet_test
