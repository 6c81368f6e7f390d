// SPDX-License-Identifier: MIT
#include "base/line_buffer.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "support/cut.hpp"

namespace netlab::line_buffer_test {

using namespace test;

namespace {

std::string show(const line_buffer::line& from) {
  if (from.too_long) return "(too long)";
  return std::string(from.text) + (from.has_cr ? "$r" : "$");
}

std::vector<std::string> lines_of(const pieces& stream, std::size_t limit, bool with_rest = false) {
  line_buffer buffer(limit);
  std::vector<std::string> found;
  for (const std::string_view piece : stream) {
    buffer.append(piece);
    while (const auto line = buffer.next()) found.push_back(show(*line));
  }
  if (with_rest)
    if (const auto line = buffer.rest()) found.push_back("rest " + std::string(line->text));
  return found;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("line_buffer: gives each line without its ending, and says which ending it was", "[base][unit]") {
  for (const pieces& cut : every_cut("one\r\ntwo\n\n\r\nthree\rstays\n"))
    CHECK(lines_of(cut, 20) == texts{"one$r", "two$", "$", "$r", "three\rstays$"});
}

TEST_CASE("line_buffer: a line has up to the limit before its ending", "[base][unit]") {
  for (const pieces& cut : every_cut("12345\r\n12345\n")) CHECK(lines_of(cut, 5) == texts{"12345$r", "12345$"});
}

TEST_CASE("line_buffer: a line that is too long is reported once, and the next one is found", "[base][unit]") {
  const std::string stream = "123456\r\nok\n" + std::string(50, 'x') + "\nagain\n12345\r6\nend\n";
  for (const pieces& cut : every_cut(stream))
    CHECK(lines_of(cut, 5) == texts{"(too long)", "ok$", "(too long)", "again$", "(too long)", "end$"});
}

TEST_CASE("line_buffer: a line that is too long is reported before its end has come", "[base][unit]") {
  CHECK(lines_of({"123456"}, 5) == texts{"(too long)"});
  CHECK(lines_of({"12345"}, 5).empty());
  CHECK(lines_of({"12345\r"}, 5).empty());
}

TEST_CASE("line_buffer: the rest is what came after the last ending", "[base][unit]") {
  for (const pieces& cut : every_cut("one\ntwo")) CHECK(lines_of(cut, 5, true) == texts{"one$", "rest two"});
  CHECK(lines_of({"one\n"}, 5, true) == texts{"one$"});
  CHECK(lines_of({"123456"}, 5, true) == texts{"(too long)"});
}

TEST_CASE("line_buffer: empty again after whole lines, not while a line is begun or skipped", "[base][unit]") {
  line_buffer buffer(5);
  CHECK(buffer.empty());
  buffer.append("ab");
  CHECK_FALSE(buffer.next());
  CHECK_FALSE(buffer.empty());
  buffer.append("c\n");
  CHECK(buffer.next());
  CHECK(buffer.empty());
  buffer.append("123456");
  CHECK(buffer.next()->too_long);
  CHECK_FALSE(buffer.empty());
  CHECK(buffer.is_skipping());
  buffer.append("7\n");
  CHECK_FALSE(buffer.next());
  CHECK(buffer.empty());
}

TEST_CASE("line_buffer: a line that is given up is skipped to its end", "[base][unit]") {
  line_buffer buffer(5);
  buffer.append("ab");
  CHECK_FALSE(buffer.next());
  buffer.skip_line();
  buffer.append("cd\nef\n");
  CHECK(show(buffer.next().value()) == "ef$");
  CHECK_FALSE(buffer.next());
}

}  // namespace netlab::line_buffer_test
