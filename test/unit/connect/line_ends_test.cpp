// SPDX-License-Identifier: MIT
#include "connect/line_ends.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/cut.hpp"

namespace netlab::connect::line_ends_test {

using namespace test;

TEST_CASE("line ends: each LF has one CR before it, never two", "[connect][line_ends]") {
  const std::string text = "\na\nb\r\n\r\n\n\rc\r\r\nd";
  for (const pieces& cut : every_cut(text)) {
    crlf_writer writer;
    std::string out;
    for (const std::string_view piece : cut) writer.append(out, piece);
    CHECK(out == "\r\na\r\nb\r\n\r\n\r\n\rc\r\r\nd");
  }
}

}  // namespace netlab::connect::line_ends_test
