// SPDX-License-Identifier: MIT
#include "base/text.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <array>
#include <cstdint>
#include <limits>

#include "support/failure.hpp"

namespace netlab::text_test {

using namespace std::string_literals;
using namespace std::string_view_literals;
using test::failed_with;
using test::why;

TEST_CASE("parse_integer: takes all of the text, in the range of the type, or nothing", "[base][unit]") {
  CHECK(parse_integer<std::int32_t>("-2147483648") == std::numeric_limits<std::int32_t>::min());
  CHECK(parse_integer<std::int32_t>("2147483647") == std::numeric_limits<std::int32_t>::max());
  CHECK(parse_integer<std::uint16_t>("0") == 0);
  for (const auto text : {"2147483648"sv, "-2147483649"sv, ""sv, "-"sv, "+1"sv, " 1"sv, "1 "sv, "1x"sv, "0x10"sv,
                          "1.0"sv, "--1"sv, "1\0"sv})
    CHECK_FALSE(parse_integer<std::int32_t>(text));
  CHECK_FALSE(parse_integer<std::uint16_t>("65536"));
  CHECK_FALSE(parse_integer<std::uint16_t>("-1"));
  CHECK(parse_integer<std::uint16_t>("1F90", 16) == 8080);
  CHECK_FALSE(parse_integer<std::uint16_t>("1F9G", 16));
  CHECK_FALSE(parse_integer<std::uint16_t>("10000", 16));
}

TEST_CASE("parse_number: outside its bounds it names the value and the bounds", "[base][unit]") {
  CHECK(parse_number("1", "threads", 1, 8) == 1U);
  CHECK(parse_number("8", "threads", 1, 8) == 8U);
  for (const auto text : {"0", "9", "-1", "", "four", "18446744073709551616"}) {
    const auto parsed = parse_number(text, "threads", 1, 8);
    CHECK(failed_with(parsed, errc::usage));
    CHECK(why(parsed) == "threads '"s + text + "' is not a number from 1 to 8");
  }
}

TEST_CASE("parse_size: k, M and G are binary multiples", "[base][unit]") {
  CHECK(parse_size("0") == 0U);
  CHECK(parse_size("1500") == 1500U);
  CHECK(parse_size("64k") == 65536U);
  CHECK(parse_size("64K") == 65536U);
  CHECK(parse_size("10M") == 10U * 1024 * 1024);
  CHECK(parse_size("2G") == 2ULL << 30);
  CHECK(parse_size("17179869183G") == 17179869183ULL << 30);
}

TEST_CASE("parse_size: refuses what is no size, and one that does not fit", "[base][unit]") {
  for (const auto text : {"", "k", "-1", "1kk", "1 k", "1m", "1.5k", "17179869184G", "18446744073709551616"}) {
    INFO(text);
    CHECK(failed_with(parse_size(text), errc::usage));
  }
}

TEST_CASE("trim: takes blanks and line ends from both ends only", "[base][unit]") {
  CHECK(trim(" \t\r\n a b \r\n").compare("a b") == 0);
  CHECK(trim(" \r\n").empty());
  CHECK(trim("").empty());
}

TEST_CASE("split: keeps empty pieces", "[base][unit]") {
  CHECK(split("a,,b", ',') == std::vector{"a"sv, ""sv, "b"sv});
  CHECK(split("", ',') == std::vector{""sv});
  CHECK(split(",", ',') == std::vector{""sv, ""sv});
}

TEST_CASE("words: never gives an empty piece", "[base][unit]") {
  CHECK(words(" \ta  b\t") == std::vector{"a"sv, "b"sv});
  CHECK(words("").empty());
  CHECK(words(" \t ").empty());
}

TEST_CASE("to_lower, to_upper: change ASCII letters and nothing else", "[base][unit]") {
  CHECK(to_lower("AZaz@[`{0\xc4") == "azaz@[`{0\xc4");
  CHECK(to_upper("AZaz@[`{0\xe4") == "AZAZ@[`{0\xe4");
}

TEST_CASE("equal_in_any_case: ignores the case of ASCII letters only", "[base][unit]") {
  CHECK(equal_in_any_case("", ""));
  CHECK(equal_in_any_case("StartTLS", "STARTTLS"));
  CHECK(equal_in_any_case("a-1ä", "A-1ä"));
  CHECK_FALSE(equal_in_any_case("ä", "Ä"));
  CHECK_FALSE(equal_in_any_case("@[`{", "`{@["));
  CHECK_FALSE(equal_in_any_case("mail", "mails"));
}

TEST_CASE("to_hex: two digits for each octet", "[base][unit]") {
  CHECK(to_hex(as_bytes("\0\x0f\xA0z"sv)) == "000fa07a");
  CHECK(to_hex(as_bytes("\0\x0f\xA0z"sv), " ") == "00 0f a0 7a");
  CHECK(to_hex({}).empty());
}

TEST_CASE("decode_hex_pair: two digits in any case, and nothing else", "[base][unit]") {
  CHECK(decode_hex_pair("00") == '\0');
  CHECK(decode_hex_pair("7a") == 'z');
  CHECK(decode_hex_pair("C3BC") == '\xC3');
  CHECK(decode_hex_pair("fF") == '\xff');
  for (const auto text : {"", "4", "4g", "g4", " 4", "-4", "+4", "0x", "4 "}) CHECK_FALSE(decode_hex_pair(text));
}

TEST_CASE("escape: printable text stays as it is, in any language", "[base][unit]") {
  for (const auto text : {"", "plain text, 1 < 2!", "Größe µs", "日本語", "🙂", "… (12 numbers)"})
    CHECK(escape(text) == text);
}

TEST_CASE("escape: control characters become visible", "[base][unit]") {
  CHECK(escape("a\nb\rc\td") == "a\\nb\\rc\\td");
  CHECK(escape("\0\x01\x1f\x7f"sv) == "\\x00\\x01\\x1f\\x7f");
  CHECK(escape("C:\\n") == "C:\\\\n");
}

TEST_CASE("escape: what acts on a terminal cannot pass", "[base][unit]") {
  CHECK(escape("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
  CHECK(escape("\xc2\x9b"
               "31m") == "\\xc2\\x9b31m");         // CSI as a C1 control, in UTF-8
  CHECK(escape("\x9b"
               "31m") == "\\x9b31m");              // the same as a single octet
  CHECK(escape("\u202etxt.exe") == "\\xe2\\x80\\xaetxt.exe");  // right-to-left override
  for (const auto text : {"\u2028", "\u2029", "\u200e", "\u200f", "\u061c", "\u2066", "\u2069", "\ufeff", "\u0085"}) {
    INFO(text);
    CHECK(escape(text).starts_with("\\x"));
  }
}

TEST_CASE("escape: octets that are not UTF-8 are shown one by one", "[base][unit]") {
  CHECK(escape("\xff") == "\\xff");
  CHECK(escape("\xc3") == "\\xc3");                          // truncated
  CHECK(escape("\xe2\x82x") == "\\xe2\\x82x");               // truncated by the next character
  CHECK(escape("\xc0\xaf") == "\\xc0\\xaf");                 // overlong /
  CHECK(escape("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");        // overlong /
  CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");        // a surrogate
  CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(escape("\xf8\x88\x80\x80\x80") == "\\xf8\\x88\\x80\\x80\\x80");
}

TEST_CASE("escape: shows so many octets and then says that there are more", "[base][unit]") {
  CHECK(escape("abcdef", 3) == "abc…");
  CHECK(escape("abc", 3) == "abc");
  CHECK(escape("", 0) == "");
  CHECK(escape(std::string(1'000'000, 'x'), 5) == "xxxxx…");
}

TEST_CASE("nearest: a slip of the finger finds what was meant", "[base][unit]") {
  constexpr std::array known{"base64"sv, "calc"sv, "echo"sv, "lab"sv};
  CHECK(nearest("clac", known) == "calc");
  CHECK(nearest("ecko", known) == "echo");
  CHECK(nearest("base46", known) == "base64");
  CHECK(nearest("lav", known) == "lab");
  CHECK(nearest("nonsense", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest("x", {}).empty());
}

TEST_CASE("nearest: the beginning of a word finds it", "[base][unit]") {
  constexpr std::array known{"--max-clients"sv, "--timeout"sv};
  CHECK(nearest("--time", known) == "--timeout");
  CHECK(nearest("--max", known) == "--max-clients");
}

TEST_CASE("fill: lines have at most so many columns, and are indented", "[base][unit]") {
  CHECK(fill("one two three four", 9) == "one two\nthree\nfour");
  CHECK(fill("one two three", 9, 2) == "  one two\n  three");
  CHECK(fill("one two three", 13) == "one two three");
  CHECK(fill("one two three", 12) == "one two\nthree");
}

TEST_CASE("fill: line ends stay, and an empty line stays empty", "[base][unit]") {
  CHECK(fill("a\n\nb", 20, 2) == "  a\n\n  b");
  CHECK(fill("", 20, 2).empty());
}

TEST_CASE("fill: a word that is wider than a line has one to itself", "[base][unit]") {
  CHECK(fill("a incomprehensible b", 5) == "a\nincomprehensible\nb");
}

TEST_CASE("fill: columns of the first line that are taken count, and so does a wide character's one column",
          "[base][unit]") {
  CHECK(fill("one two", 10, 6, 6) == "one\n      two");
  CHECK(fill("µµµ µµµ", 7) == "µµµ µµµ");
}

TEST_CASE("columns: text is cut to a screen's width, between characters", "[base][unit]") {
  CHECK(columns_of("µµ…") == 3);
  CHECK(cut_to_columns("µµµ", 3) == "µµµ");
  CHECK(cut_to_columns("µµµµ", 3) == "µµ…");
  CHECK(cut_to_columns("one", 1) == "…");
  CHECK(cut_to_columns("one", 0).empty());
  CHECK(cut_to_columns("", 0).empty());
}

TEST_CASE("count_of: one is singular", "[base][unit]") {
  CHECK(count_of(0, "octet") == "0 octets");
  CHECK(count_of(1, "octet") == "1 octet");
  CHECK(count_of(2, "octet") == "2 octets");
}

TEST_CASE("text: UTF-8 is told from what is not", "[base][unit]") {
  for (const std::string_view good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xa2", "\xef\xbf\xbf"})
    CHECK(is_utf8(good));
  for (const std::string_view bad : {"\x80", "\xc0\xaf", "\xc3", "\xe2\x82", "\xe0\x80\x80", "\xed\xa0\x80",
                                     "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "a\xc3"})
    CHECK(!is_utf8(bad));
}

}  // namespace netlab::text_test
