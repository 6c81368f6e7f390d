// SPDX-License-Identifier: MIT
#include "scan/shard.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::shard_test {

TEST_CASE("shard: each place is in exactly one part, and the parts are equal", "[scan][shard]") {
  for (const std::uint32_t count : {1U, 2U, 3U, 7U, 10U, 64U})
    for (const std::uint64_t all : {0ULL, 1ULL, 6ULL, 7ULL, 8ULL, 100ULL}) {
      std::vector<unsigned> taken(all);
      std::uint64_t sum = 0;
      for (std::uint32_t index = 1; index <= count; ++index) {
        const shard part{index, count};
        const std::uint64_t size = part.size_of(all);
        sum += size;
        CHECK(size <= all / count + 1);
        CHECK(size >= all / count);
        for (std::uint64_t local = 0; local < size; ++local) {
          const std::uint64_t place = part.place(local);
          REQUIRE(place < all);
          CHECK(part.has(place));
          CHECK(part.local(place) == local);
          ++taken[place];
        }
      }
      CAPTURE(count, all);
      CHECK(sum == all);
      for (const unsigned times : taken) CHECK(times == 1);
    }
}

TEST_CASE("shard: is written as index and count", "[scan][shard]") {
  for (const char* text : {"1/1", "3/8", "8/8", "1000000/1000000"}) {
    const auto part = parse_shard(text);
    REQUIRE(part);
    CHECK(to_string(*part) == text);
  }
  CHECK(*parse_shard("03/08") == shard{3, 8});
}

TEST_CASE("shard: what is not a part is refused with the cure", "[scan][shard]") {
  for (const char* text : {"", "/", "3", "3/", "/8", "3/8/9", "a/8", "3/b", "-1/8", "+1/8", " 1/8", "1/8 ", "1.5/8",
                           "0x1/8", "4294967297/8", "1/4294967297"}) {
    CAPTURE(text);
    const auto part = parse_shard(text);
    REQUIRE(!part);
    CHECK(part.error().code == errc::usage);
    CHECK(part.error().hint == "write 3/8 for the third of eight parts");
  }
  CHECK(describe(parse_shard("0/8").error()) == "shard '0/8' has index 0 (parts are numbered from 1 to 8)");
  CHECK(describe(parse_shard("9/8").error()) == "shard '9/8' is beyond the last part (parts are numbered from 1 to 8)");
  CHECK(describe(parse_shard("1/0").error()) == "shard '1/0' has a count outside 1 to 1000000");
  CHECK(!parse_shard("1/1000001"));
}

}  // namespace netlab::scan::shard_test
