// SPDX-License-Identifier: MIT
#include "scan/report/quote.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace netlab::scan;

TEST_CASE("quote: JSON has an escape for every control character", "[scan][unit]") {
  CHECK(json_string("a\"\\\n\r\t\x01\x7f") == R"("a\"\\\n\r\t\u0001\u007f")");
  CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(json_string("\xc3\xa4\xff") == "\"\xc3\xa4\xef\xbf\xbd\"");
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
