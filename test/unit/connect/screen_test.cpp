// SPDX-License-Identifier: MIT
#include "connect/screen.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/cut.hpp"

namespace netlab::connect::screen_test {

using namespace test;

namespace {

std::string shown(const pieces& stream) {
  screen on;
  std::string all;
  for (const std::string_view piece : stream) all += on.show(piece);
  return all + on.rest();
}

}  // namespace

TEST_CASE("screen: lines, tabs and letters stay, what acts on a terminal is escaped", "[connect][screen]") {
  const std::string text =
      "a\tb\r\nc\\d\n\x1b[2J\x07 gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xff\xc3 \r x\xe2\x82";
  const std::string wanted =
      "a\tb\nc\\d\n\\x1b[2J\\x07 gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \\xff\\xc3 \\r x\\xe2\\x82";
  for (const pieces& cut : every_cut(text)) CHECK(shown(cut) == wanted);
}

TEST_CASE("screen: what may become a character is held back, not more", "[connect][screen]") {
  screen on;
  CHECK(on.show("a\xe2\x82") == "a");
  CHECK(on.show("\xac\r") == "\xe2\x82\xac");
  CHECK(on.show("\n") == "\n");
  CHECK(on.rest().empty());
}

}  // namespace netlab::connect::screen_test
