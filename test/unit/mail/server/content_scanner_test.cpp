// SPDX-License-Identifier: MIT
#include "mail/server/content_scanner.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <optional>
#include <string>

#include "support/cut.hpp"

namespace netlab::mail::content_scanner_test {

using test::every_cut;
using test::pieces;

namespace {

struct reading {
  bool ended = false;
  bool flawed = false;
  std::string content;  // if there is no flaw
  std::string rest;     // after the end

  friend bool operator==(const reading&, const reading&) = default;
};

reading scan(const pieces& stream) {
  content_scanner scanner;
  reading all;
  for (std::string_view piece : stream) {
    if (!all.ended) all.ended = scanner.take_dotted(piece, [&](std::string_view text) { all.content += text; });
    all.rest += piece;
  }
  all.flawed = scanner.found() != content_scanner::flaw::none;
  if (all.flawed) all.content.clear();
  return all;
}

// A simple implementation of the same, which has the whole stream.
reading read_plainly(const std::string& stream) {
  const std::string whole = "\r\n" + stream;
  reading all;
  const std::size_t end = whole.find("\r\n.\r\n");
  all.ended = end != std::string::npos;
  if (all.ended) all.rest = whole.substr(end + 5);
  const std::string content = whole.substr(0, all.ended ? end + 2 : end);
  for (std::size_t at = 0; at < content.size(); ++at) {
    const bool is_last = at + 1 == content.size();
    if (content[at] == '\n' && content[at - 1] != '\r') all.flawed = true;
    if (content[at] == '\r' && !is_last && content[at + 1] != '\n') all.flawed = true;
    const bool starts_line = at >= 2 && content.compare(at - 2, 2, "\r\n") == 0;
    if (at >= 2 && !(content[at] == '.' && starts_line)) all.content += content[at];
  }
  // A final `.` and `. CR` are not part of the content until it is known whether the content ends there.
  if (!all.ended && all.content.ends_with('\r') && content.ends_with("\r\n.\r")) all.content.pop_back();
  if (all.flawed) all.content.clear();
  return all;
}

}  // namespace

TEST_CASE("content: every text of CR, LF, dot and a letter is read as its plain definition says, in any cut",
          "[mail][content]") {
  constexpr std::string_view letters = "\r\n.x";
  const std::size_t length = GENERATE(as<std::size_t>{}, 0, 1, 2, 3, 4, 5, 6, 7);
  std::size_t count = 1;
  for (std::size_t at = 0; at < length; ++at) count *= letters.size();
  for (std::size_t number = 0; number < count; ++number) {
    std::string text;
    for (std::size_t left = number, at = 0; at < length; ++at, left /= letters.size())
      text += letters[left % letters.size()];
    const reading expected = read_plainly(text);
    for (const pieces& cut : every_cut(text))
      if (!(scan(cut) == expected)) FAIL("differs for number " << number << " of length " << length);
  }
}

TEST_CASE("content: what is no end of a line ends no message", "[mail][content]") {
  const std::string text =
      GENERATE(as<std::string>{}, "x\n.\n", "x\n.\r\n", "x\r.\r\n", "x\r.\r", "x\r\n.\n", "x\r\n.\r", "x\r\n.\r.\r\n",
               "x\n\r\n\r.\r\n", "\n.\r\n", "\r.\r\n", "x\r\n\n.\r\n", "x\r\n\r.\r\n");
  for (const pieces& cut : every_cut(text)) CHECK_FALSE(scan(cut).ended);
}

TEST_CASE("content: only the first dot of a line goes", "[mail][content]") {
  const std::string text = "..a\r\n.b\r\nc.\r\n...\r\n.\r\nQUIT";
  for (const pieces& cut : every_cut(text)) {
    const reading got = scan(cut);
    CHECK(got.ended);
    CHECK_FALSE(got.flawed);
    CHECK(got.content == ".a\r\nb\r\nc.\r\n..\r\n");
    CHECK(got.rest == "QUIT");
  }
}

TEST_CASE("content: what has no dots comes in one piece", "[mail][content]") {
  content_scanner scanner;
  std::string text;
  for (int line = 0; line < 1000; ++line) text += "a line. of. text.\r\n";
  int pieces_taken = 0;
  std::string_view input = text;
  CHECK_FALSE(scanner.take_dotted(input, [&](std::string_view) { ++pieces_taken; }));
  CHECK(pieces_taken == 1);
}

TEST_CASE("content: a chunk keeps its dots, and its lone CR and LF are seen in any cut", "[mail][content]") {
  struct expectation {
    std::string text;
    content_scanner::flaw flaw;
    bool lacks_end;
  };
  using enum content_scanner::flaw;
  const auto one = GENERATE(values<expectation>({{"..a\r\n.\r\n", none, false},
                                                 {"a\r\nb", none, true},
                                                 {"", none, false},
                                                 {"a\nb\r\n", bare_lf, false},
                                                 {"a\rb\r\n", bare_cr, false},
                                                 {"a\r", bare_cr, true},
                                                 {"\n", bare_lf, true},
                                                 {"a\r\r\n", bare_cr, false}}));
  for (const pieces& cut : every_cut(one.text)) {
    content_scanner scanner;
    std::string said;
    for (const std::string_view piece : cut) scanner.take_chunk(piece, [&](std::string_view text) { said += text; });
    CHECK(scanner.finish_chunks() == one.lacks_end);
    CHECK(scanner.found() == one.flaw);
    if (one.flaw == none) CHECK(said == one.text);
  }
}

}  // namespace netlab::mail::content_scanner_test
