// SPDX-License-Identifier: MIT
#include "trace/report/pcapng.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::trace::pcapng_test {

namespace {

std::uint32_t number_at(bytes_view from, std::size_t at) { return load_u32(from.subspan(at), byte_order::little); }

/// Each block has its length at both ends, in multiples of 4 octets.
void check_frame(bytes_view block, std::uint32_t type) {
  REQUIRE(block.size() >= 12);
  CHECK(block.size() % 4 == 0);
  CHECK(number_at(block, 0) == type);
  CHECK(number_at(block, 4) == block.size());
  CHECK(number_at(block, block.size() - 4) == block.size());
}

}  // namespace

TEST_CASE("pcapng: every block is framed, whatever the length of its text", "[trace][pcapng]") {
  for (const std::string_view text : {"", "a", "ab", "abc", "abcd", "abcde"}) {
    check_frame(pcapng::make_section(text), 0x0a0d0d0a);
    check_frame(pcapng::make_interface({std::string(text)}), 1);
    check_frame(pcapng::make_secrets(text), 10);
    check_frame(pcapng::make_packet({.octets = as_bytes(text), .comment = text, .process = 7, .thread = 8}), 6);
  }
  check_frame(pcapng::make_statistics(0, {}, 5, 6), 5);
}

TEST_CASE("pcapng: a packet has its time in nanoseconds, its octets, its comment and its process", "[trace][pcapng]") {
  const auto block = pcapng::make_packet({.interface = 3,
                                          .time = wall_time(0x0102030405060708),
                                          .octets = as_bytes("hello"),
                                          .length = 1000,
                                          .comment = "why",
                                          .is_outgoing = true,
                                          .process = 7,
                                          .thread = 8});
  CHECK(number_at(block, 8) == 3);
  CHECK(number_at(block, 12) == 0x01020304);
  CHECK(number_at(block, 16) == 0x05060708);
  CHECK(number_at(block, 20) == 5);
  CHECK(number_at(block, 24) == 1000);
  CHECK(as_text(bytes_view(block).subspan(28, 5)) == "hello");
  CHECK(number_at(block, 36) == (1 | 3 << 16));  // a comment of 3 octets
  CHECK(as_text(bytes_view(block).subspan(40, 3)) == "why");
  CHECK(number_at(block, 44) == (2 | 4 << 16));
  CHECK(number_at(block, 48) == 2);  // outbound
  CHECK(number_at(block, 52) == (8 | 8 << 16));
  CHECK(number_at(block, 56) == 7);
  CHECK(number_at(block, 60) == 8);
}

TEST_CASE("pcapng: a comment that no option can hold is cut", "[trace][pcapng]") {
  const auto block = pcapng::make_packet({.comment = std::string(100'000, 'x')});
  check_frame(block, 6);
  CHECK(block.size() < 0x10000 + 100);
}

}  // namespace netlab::trace::pcapng_test
