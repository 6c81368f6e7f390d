// SPDX-License-Identifier: MIT
#include "scan/report/quote.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::quote_test {

TEST_CASE("quote: JSON has an escape for every control character", "[scan][unit]") {
  CHECK(json_string("a\"\\\n\r\t\x01\x7f") == R"("a\"\\\n\r\t\u0001\u007f")");
  CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(json_string("\xc3\xa4\xff") == "\"\xc3\xa4\xef\xbf\xbd\"");
}

TEST_CASE("quote: in JSON nothing stands as it is that a terminal acts on or a reader splits lines at",
          "[scan][unit]") {
  CHECK(json_string("\xc2\x80\xc2\x9b\xc2\x9f") == R"("\u0080\u009b\u009f")");
  CHECK(json_string("\xe2\x80\xa8 \xe2\x80\xa9") == R"("\u2028 \u2029")");
  CHECK(json_string("\xe2\x80\xae \xe2\x81\xa6 \xd8\x9c \xef\xbb\xbf") == R"("\u202e \u2066 \u061c \ufeff")");
  CHECK(json_string("\xf0\x9f\x90\xa2") == "\"\xf0\x9f\x90\xa2\"");
}

TEST_CASE("quote: XML has no control characters and none of its own signs", "[scan][unit]") {
  CHECK(xml_attribute("<a href=\"x\">&'\x1b") == "&lt;a href=&quot;x&quot;&gt;&amp;'\\x1b");
  CHECK(xml_attribute("\xef\xbf\xbe") == "\xef\xbf\xbd");
}

TEST_CASE("quote: a CSV field is quoted only if it must be", "[scan][unit]") {
  CHECK(csv_field("plain text") == "plain text");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(csv_field(" a") == "\" a\"");
  CHECK(csv_field("+OK ready") == "'+OK ready");
  CHECK(csv_field("two\nlines") == "two\\nlines");
}

}  // namespace netlab::scan::quote_test
