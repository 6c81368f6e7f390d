// SPDX-License-Identifier: MIT
#include "trace/flow.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::trace::flow_test {

TEST_CASE("flow: sequence numbers wrap around, offsets do not", "[trace][flow]") {
  direction out;
  out.begin_at(0xffffff00);
  CHECK(out.offset_of(0xffffff01) == 0);
  CHECK(out.offset_of(0x00000000) == 0xff);
  std::uint64_t offset = 0;
  for (int step = 0; step < 10; ++step) {  // more than 4 GiB
    out.see(offset, 1U << 30);
    offset += 1U << 30;
    CHECK(out.offset_of(static_cast<std::uint32_t>(0xffffff01 + offset)) == offset);
  }
  CHECK(out.see(offset - 10, 10));
  CHECK_FALSE(out.see(offset - 10, 11));
}

TEST_CASE("flow: a sequence number before the first octet is offset 0", "[trace][flow]") {
  direction out;
  out.begin_at(100);
  CHECK(out.offset_of(50) == 0);
}

TEST_CASE("flow: ranges name their owners in order, a hole is filled", "[trace][flow]") {
  range_list list;
  list.add({0, 10, 1});
  list.add({20, 30, 2});
  list.add({5, 25, 3});  // fills the hole only
  CHECK(list.owners(0, 30) == std::vector<std::uint64_t>{1, 3, 2});
  CHECK(list.owners(10, 20) == std::vector<std::uint64_t>{3});
  CHECK(list.owners(30, 40).empty());
  list.add({0, 30, 9});
  CHECK(list.size() == 3);
  list.drop_before(20);
  CHECK(list.owners(0, 30) == std::vector<std::uint64_t>{2});
}

TEST_CASE("flow: a list of ranges has a limit", "[trace][flow]") {
  range_list list;
  for (std::uint64_t at = 0; at < range_list::max_ranges + 10; ++at) list.add({at, at + 1, at});
  CHECK(list.size() == range_list::max_ranges);
}

}  // namespace netlab::trace::flow_test
