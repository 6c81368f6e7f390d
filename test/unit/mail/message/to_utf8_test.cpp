// SPDX-License-Identifier: MIT
#include "mail/message/to_utf8.hpp"

#include <catch2/catch_test_macros.hpp>

#include "base/text.hpp"

namespace netlab::mail::to_utf8_test {

TEST_CASE("to_utf8: text in UTF-8 and ASCII stays as it is", "[mail][unit]") {
  CHECK(to_utf8("Grüße", "utf-8") == "Grüße");
  CHECK(to_utf8("plain", "US-ASCII") == "plain");
  CHECK(to_utf8("日本", "") == "日本");
  CHECK(to_utf8("", "iso-8859-1").empty());
}

TEST_CASE("to_utf8: octets of other character sets are converted", "[mail][unit]") {
  CHECK(to_utf8("Gr\xfc\xdf"
                "e",
                "ISO-8859-1") == "Grüße");
  CHECK(to_utf8("\x80 5", "iso-8859-1") == "€ 5");  // mislabelled Windows-1252
  CHECK(to_utf8("\xd0\xd2\xc9\xd7\xc5\xd4", "KOI8-R") == "привет");
  CHECK(to_utf8("\x1b$BF|K\\\x1b(B.", "ISO-2022-JP") == "日本.");
}

TEST_CASE("to_utf8: what means nothing becomes a replacement character, and the rest is kept", "[mail][unit]") {
  CHECK(to_utf8("a\xff"
                "b",
                "utf-8") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(to_utf8("a\xe2\x82", "utf-8") == "a\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(to_utf8("\x93\xfa\x93", "shift_jis") == "日\xef\xbf\xbd");
}

TEST_CASE("to_utf8: a name that no character set has is read as UTF-8", "[mail][unit]") {
  for (const char* name : {"x-unknown", "../../tmp/module", "UTF-8//IGNORE", "utf-7", "a b"})
    CHECK(to_utf8("Grüße \xff", name) == "Grüße \xef\xbf\xbd");
}

TEST_CASE("to_utf8: any octets in any character set give valid UTF-8", "[mail][unit]") {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  std::string many;
  while (many.size() < 10'000) many += all;
  for (const char* name : {"", "utf-8", "iso-8859-1", "iso-2022-jp", "utf-16", "utf-16le", "gb18030", "big5", "euc-kr"})
    CHECK(is_utf8(to_utf8(many, name)));
}

}  // namespace netlab::mail::to_utf8_test
