// SPDX-License-Identifier: MIT
#include "calc/check.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"
#include "support/octets.hpp"

namespace netlab::calc::check_test {

using test::octets;
using test::why;

namespace {

const request sum{.id = 7, .op = "SUM", .numbers = {1, 2, 3}};

std::string checked(const request& asked, std::string_view notation, byte_order order = byte_order::big) {
  const std::string reply = octets(notation);
  const auto value = check_answer(asked, order, as_bytes(reply));
  if (!value) CHECK(value.error().code == errc::peer_protocol);
  return value ? std::to_string(*value) : why(value);
}

std::string datagram(const request& asked, std::string_view notation) {
  const std::string reply = octets(notation);
  const auto value = check_datagram(asked, byte_order::big, as_bytes(reply));
  return value ? std::to_string(*value) : why(value);
}

}  // namespace

TEST_CASE("check: the right answer is its value, in the order of the request", "[calc][unit]") {
  CHECK(checked(sum, "00000007 00000006") == "6");
  CHECK(checked(sum, "07000000 06000000", byte_order::little) == "6");
  CHECK(checked({.id = 7, .op = "SUM", .numbers = {-1}}, "00000007 ffffffff") == "-1");
}

TEST_CASE("check: a wrong value is named with the right one", "[calc][unit]") {
  CHECK(checked(sum, "00000007 00000005") == "answered 5, but SUM 1 2 3 is 6");
}

TEST_CASE("check: another ID is named", "[calc][unit]") {
  CHECK(checked(sum, "00000008 00000006") == "the answer has ID 8, the request had 7");
}

TEST_CASE("check: an ID with its octets turned round is told as that", "[calc][unit]") {
  CHECK(checked(sum, "07000000 00000006") ==
        "the answer has ID 117440512, which is 7 with its octets in the other order (the server must return the ID "
        "unchanged)");
}

TEST_CASE("check: a server of the other byte order is recognised by its value", "[calc][unit]") {
  // The server reads 0x01000000, 0x02000000, 0x03000000 and writes their sum in its own order: the same octets.
  const request asked{.id = 7, .op = "SUM", .numbers = {200, 100}};
  // 0xc8000000 + 0x64000000 overflows 32 bits; if that is ignored, it is 0x2c000000, which in reverse order is
  // 0000002c.
  CHECK(checked(asked, "00000007 0000002c") ==
        "answered 44, which is the right value in the other byte order (try --byte-order little)");
  CHECK(checked(asked, "07000000 2c000000", byte_order::little) ==
        "answered 44, which is the right value in the other byte order (try --byte-order network)");
  const request least{.id = 7, .op = "MIN", .numbers = {1, 256}};  // 0x01000000 and 0x00010000
  CHECK(checked(least, "00000007 00000100") ==
        "answered 256, which is the right value in the other byte order (try --byte-order little)");
}

TEST_CASE("check: no byte order is named where the value does not tell it", "[calc][unit]") {
  const request product{.id = 7, .op = "PRO", .numbers = {2, 3}};
  // A product that starts at 0; a server of the other order would compute 2^25 · 3·2^24, which wraps to 0 as well.
  CHECK(checked(product, "00000007 00000000") == "answered 0, but PRO 2 3 is 6");
  CHECK(checked(product, "07000000 00000000", byte_order::little) == "answered 0, but PRO 2 3 is 6");
  // The same octets in both orders.
  const request least{.id = 7, .op = "MIN", .numbers = {-1, -2}};
  CHECK(checked(least, "00000007 ffffffff") == "answered -1, but MIN -1 -2 is -2");
  const request greatest{.id = 7, .op = "MAX", .numbers = {0x01010101, 0x02000000}};
  CHECK(checked(greatest, "00000007 01010101") == "answered 16843009, but MAX 16843009 33554432 is 33554432");
}

TEST_CASE("check: the right value written in the other byte order is recognised", "[calc][unit]") {
  CHECK(checked(sum, "00000007 06000000") ==
        "answered 100663296, which is the right value in the other byte order (try --byte-order little)");
}

TEST_CASE("check: the request sent back is an echo service", "[calc][unit]") {
  const std::string echo = "the request came back unchanged: this is an echo service, not a calculation server";
  CHECK(checked(sum, "00000007 'SUM' 03 00000001 00000002 00000003") == echo);
  CHECK(checked(sum, "00000007 'SUM' 03") == echo);
  CHECK(datagram(sum, "00000007 'SUM' 03 00000001 00000002 00000003") == echo);
}

TEST_CASE("check: an answer that is right is no echo, even where both look alike", "[calc][unit]") {
  // 'SUM' and 1 as a number is 0x53554d01: the answer has the octets of the request's header.
  const request asked{.id = 7, .op = "SUM", .numbers = {0x53554d01}};
  CHECK(checked(asked, "00000007 'SUM' 01") == "1398099201");
}

TEST_CASE("check: text is another protocol, shown up to the end of its line", "[calc][unit]") {
  CHECK(checked(sum, "'220 mail.example.org ESMTP' 0d0a 'x'") ==
        "the peer speaks another protocol: '220 mail.example.org ESMTP'");
  CHECK(checked(sum, "'SSH-2.0-' 1b '[2J' 0a") == "the peer speaks another protocol: 'SSH-2.0-\\x1b[2J'");
}

TEST_CASE("check: a full netlab server is to be tried later", "[calc][unit]") {
  const std::string words = "error: too many clients, 2 at once; try again later\r\n";
  const auto value = check_answer(sum, byte_order::big, as_bytes(words));
  CHECK(test::failed_with(value, errc::try_later));
  CHECK(why(value) == "the server says: error: too many clients, 2 at once; try again later");
}

TEST_CASE("check: an answer to what has no result is wrong, whatever it is", "[calc][unit]") {
  CHECK(checked({.id = 7, .op = "MIN", .numbers = {}}, "00000007 00000000") ==
        "answered 0, but MIN has no result: at least one number is needed");
  CHECK(checked({.id = 7, .op = "DIV", .numbers = {1}}, "00000007 00000001") ==
        "answered 1, but DIV 1 has no result: unknown operation");
  CHECK(checked({.id = 7, .op = "SUM", .numbers = {2147483647, 1}}, "00000007 80000000") ==
        "answered -2147483648, but SUM 2147483647 1 has no result: the result is outside 32 bits");
}

TEST_CASE("check: a datagram is exactly one answer", "[calc][unit]") {
  CHECK(datagram(sum, "00000007 00000006") == "6");
  CHECK(datagram(sum, "") == "the answer has 0 octets, not 8");
  CHECK(datagram(sum, "00") == "the answer has 1 octet, not 8");
  CHECK(datagram(sum, "00000007 000000") == "the answer has 7 octets, not 8");
  CHECK(datagram(sum, "00000007 00000006 00") == "the answer has 9 octets, not 8");
}

TEST_CASE("is_foreign: only an echo and text say that there is no such server", "[calc][unit]") {
  const auto foreign = [](std::string_view notation) {
    const std::string reply = octets(notation);
    return is_foreign(sum, byte_order::big, as_bytes(reply));
  };
  CHECK(foreign("00000007 'SUM' 03"));
  CHECK(foreign("'HTTP/1.1'"));
  CHECK_FALSE(foreign("00000007 00000006"));
  CHECK_FALSE(foreign("00000007 00000005"));
  CHECK_FALSE(foreign("00000008 00000006"));
  CHECK_FALSE(foreign("07000000 06000000"));
}

TEST_CASE("silence_hint: says what may be the reason", "[calc][unit]") {
  CHECK(silence_hint({.id = 1, .op = "MIN", .numbers = {}}, byte_order::big) ==
        "the request has no result, so the server need not answer");
  CHECK(silence_hint({.id = 1, .op = "PRO", .numbers = {2, 3}}, byte_order::big) ==
        "the server may use the other byte order: try --byte-order little");
  CHECK(silence_hint({.id = 1, .op = "MAX", .numbers = {2, 3}}, byte_order::big).empty());
}

}  // namespace netlab::calc::check_test
