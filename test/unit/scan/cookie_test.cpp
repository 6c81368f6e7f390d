// SPDX-License-Identifier: MIT
#include "scan/cookie.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::cookie_test {

TEST_CASE("cookie: siphash gives the values of its reference implementation", "[scan][cookie]") {
  // vectors_sip64 of the authors: the key is 00 01 … 0f, the input 00 01 … (n - 1).
  const siphash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  CHECK(siphash(key, {}) == 0x726fdb47dd0e0e31);
  const std::array<std::uint64_t, 1> eight{0x0706050403020100};
  CHECK(siphash(key, eight) == 0x93f5f5799a932462);
}

TEST_CASE("cookie: each part of the flow, and the key, change the sequence number", "[scan][cookie]") {
  const siphash_key key{1, 2};
  const auto here = ip_address::v4(0xc0000201);
  const auto there = ip_address::v4(0xc0000202);
  const std::uint32_t one = flow_cookie(key, here, 1000, there, 80);
  CHECK(one == flow_cookie(key, here, 1000, there, 80));
  CHECK(one != flow_cookie({1, 3}, here, 1000, there, 80));
  CHECK(one != flow_cookie(key, there, 1000, there, 80));
  CHECK(one != flow_cookie(key, here, 1001, there, 80));
  CHECK(one != flow_cookie(key, here, 1000, here, 80));
  CHECK(one != flow_cookie(key, here, 1000, there, 81));
  const ip_address v6_here{.is_v6 = true, .high = 5, .low = 6};
  ip_address v6_there{.is_v6 = true, .scope = 3, .high = 7, .low = 8};
  const std::uint32_t other = flow_cookie(key, v6_here, 1000, v6_there, 80);
  v6_there.scope = 0;
  CHECK(other == flow_cookie(key, v6_here, 1000, v6_there, 80));
  v6_there.high = 9;
  CHECK(other != flow_cookie(key, v6_here, 1000, v6_there, 80));
}

}  // namespace netlab::scan::cookie_test
