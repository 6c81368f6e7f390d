// SPDX-License-Identifier: MIT
#include "serve/listen.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::serve::listen_test {

using test::failed_with;
using test::why;

namespace {

std::string bind(std::string_view text) {
  const auto parsed = parse_bind(text);
  if (!parsed) return why(parsed);
  std::string all;
  for (const auto& each : *parsed) all += each.to_string() + ";";
  return all;
}

}  // namespace

TEST_CASE("parse_bind: an address, or any for both wildcards", "[serve][unit]") {
  CHECK(bind("any") == "0.0.0.0;::;");
  CHECK(bind("127.0.0.1") == "127.0.0.1;");
  CHECK(bind("::1") == "::1;");
  CHECK(bind("[::1]") == "::1;");
  for (const auto text : {"", "localhost", "127.0.0.1:5", "[]", "Any", "*"}) {
    CHECK(failed_with(parse_bind(text), errc::usage));
  }
  CHECK(bind("eth0") == "bind address 'eth0' is not an IP address (write 192.0.2.1, ::1 or any)");
}

TEST_CASE("parse_bind: a link-local address needs its interface", "[serve][unit]") {
  CHECK(failed_with(parse_bind("febf::1"), errc::usage));
  CHECK(failed_with(parse_bind("[ff02::1]"), errc::usage));
  CHECK(parse_bind("fe80::1%lo"));
}

}  // namespace netlab::serve::listen_test
