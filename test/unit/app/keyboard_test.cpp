// SPDX-License-Identifier: MIT
#include "frame/keyboard.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::app::keyboard_test {

TEST_CASE("keyboard: any key goes on, also one of several octets", "[app][keyboard]") {
  CHECK(goes_on(GENERATE("\n", "\r", " ", "x", "\x1b[B", "\x1bOQ", "\xc3\xa4", "xq")));
}

TEST_CASE("keyboard: q, Ctrl-D, and a terminal that has gone, end it", "[app][keyboard]") {
  CHECK_FALSE(goes_on(GENERATE("q", "Q", "\x04", "", "quit")));
}

}  // namespace netlab::app::keyboard_test
