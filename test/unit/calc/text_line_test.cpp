// SPDX-License-Identifier: MIT
#include "calc/text_line.hpp"

#include <catch2/catch_test_macros.hpp>

#include <limits>

#include "support/failure.hpp"

namespace netlab::calc::text_line_test {

using test::failed_with;
using test::why;

namespace {

std::string show(std::string_view line) {
  const auto parsed = parse_line(line);
  return parsed ? to_line(*parsed) : why(parsed);
}

}  // namespace

TEST_CASE("text_line: an operation in any case, then numbers", "[calc][unit]") {
  CHECK(show("SUM 1 2 3") == "SUM 1 2 3");
  CHECK(show("sum 1 2 3") == "SUM 1 2 3");
  CHECK(show(" \tmAx\t-1   +2 \r\n") == "MAX -1 2");
  CHECK(show("PRO") == "PRO");
  CHECK(show("SUM 007 -0") == "SUM 7 0");
  CHECK(show("MIN -2147483648 2147483647") == "MIN -2147483648 2147483647");
}

TEST_CASE("text_line: says what is wrong with a line", "[calc][unit]") {
  CHECK(show("") == "an empty line (write SUM 1 2 3)");
  CHECK(show("  ") == "an empty line (write SUM 1 2 3)");
  CHECK(show("DIV 1 2") == "unknown operation 'DIV' (SUM, PRO, MIN or MAX)");
  CHECK(show("summe 1") == "unknown operation 'summe' (did you mean SUM?)");
  CHECK(show("SUM 1 x") == "'x' is not a whole number");
  CHECK(show("SUM 1.5") == "'1.5' is not a whole number");
  CHECK(show("SUM 1,2") == "'1,2' is not a whole number");
  CHECK(show("SUM -") == "'-' is not a whole number");
  CHECK(show("SUM +-1") == "'+-1' is not a whole number");
  CHECK(show("SUM 2147483648") == "2147483648 is outside 32 bits (-2147483648 to 2147483647)");
  CHECK(show("SUM -2147483649") == "-2147483649 is outside 32 bits (-2147483648 to 2147483647)");
  CHECK(show("SUM 99999999999999999999999") ==
        "99999999999999999999999 is outside 32 bits (-2147483648 to 2147483647)");
  CHECK(failed_with(parse_line("x"), errc::bad_data));
}

TEST_CASE("text_line: 255 numbers are accepted, 256 are not", "[calc][unit]") {
  std::string line = "SUM";
  for (std::size_t count = 0; count < max_numbers; ++count) line += " 1";
  CHECK(parse_line(line).value().numbers.size() == 255);
  CHECK(show(line + " 1") == "256 numbers; at most 255 are allowed");
}

TEST_CASE("text_line: a strange word is cut and safe to show", "[calc][unit]") {
  CHECK(show("\x1b[2J 1") == "unknown operation '\\x1b[2J' (SUM, PRO, MIN or MAX)");
  CHECK(show("SUM " + std::string(100, 'x')) == "'" + std::string(40, 'x') + "…' is not a whole number");
}

TEST_CASE("text_line: an unknown operation of three octets passes where it is asked for", "[calc][unit]") {
  using namespace std::string_view_literals;
  const std::vector words{"div"sv, "4"sv};
  const auto passed = parse_words(words, unknown_operations::passed);
  REQUIRE(passed);
  CHECK(passed->op == "div");
  CHECK(passed->numbers == std::vector<std::int32_t>{4});
  CHECK(failed_with(parse_words(words, unknown_operations::refused), errc::bad_data));
  CHECK(failed_with(parse_words(std::vector{"divi"sv}, unknown_operations::passed), errc::bad_data));
  CHECK(parse_words(std::vector{"sum"sv}, unknown_operations::passed).value().op == "SUM");
}

TEST_CASE("to_line: a long list ends in its length", "[calc][unit]") {
  request asked{.id = 0, .op = "SUM", .numbers = std::vector<std::int32_t>(12, 7)};
  CHECK(to_line(asked) == "SUM 7 7 7 7 7 7 7 7 7 7 7 7");
  asked.numbers.push_back(7);
  CHECK(to_line(asked) == "SUM 7 7 7 7 7 7 7 7 7 7 7 7 … (13 numbers)");
  CHECK(to_line({.id = 0, .op = "\x1b[m", .numbers = {}}) == "\\x1b[m");
}

}  // namespace netlab::calc::text_line_test
