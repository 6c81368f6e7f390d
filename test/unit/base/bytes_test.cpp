// SPDX-License-Identifier: MIT
#include "base/bytes.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/octets.hpp"

namespace netlab::bytes_test {

using test::hex;

TEST_CASE("bytes: an integer is laid out in the order asked for", "[base][unit]") {
  bytes out;
  append_u32(out, 0x01020304, byte_order::big);
  append_u32(out, 0x01020304, byte_order::little);
  CHECK(hex(out) == "01 02 03 04 04 03 02 01");
  CHECK(load_u32(out, byte_order::big) == 0x01020304);
  CHECK(load_u32(out, byte_order::little) == 0x04030201);
  CHECK(load_u32(bytes_view(out).subspan(4), byte_order::little) == 0x01020304);
}

TEST_CASE("bytes: the ends of the range come back", "[base][unit]") {
  for (const std::uint32_t value : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xffffffffU})
    for (const byte_order order : {byte_order::big, byte_order::little}) {
      bytes out;
      append_u32(out, value, order);
      CHECK(load_u32(out, order) == value);
    }
}

TEST_CASE("bytes: text and octets are the same, seen twice", "[base][unit]") {
  bytes out;
  append(out, "ab");
  append(out, as_bytes("c"));
  CHECK(as_text(out) == "abc");
}

}  // namespace netlab::bytes_test
