// SPDX-License-Identifier: MIT
#include "mail/message/decode.hpp"

#include <catch2/catch_test_macros.hpp>

#include "base/text.hpp"

namespace netlab::mail::decode_test {

using enum transfer_encoding;

TEST_CASE("decode: the names of transfer encodings are known in any case", "[mail][unit]") {
  CHECK(parse_transfer_encoding("Base64") == base64);
  CHECK(parse_transfer_encoding(" quoted-PRINTABLE\t") == quoted_printable);
  CHECK(parse_transfer_encoding("8bit") == eight_bit);
  CHECK(parse_transfer_encoding("x-uuencode") == binary);
}

TEST_CASE("decode: Base64 is read across lines and other characters", "[mail][unit]") {
  CHECK(decode_body("aGVs\r\nbG8=\r\n", base64) == "hello");
  CHECK(decode_body("aGVsbG8", base64) == "hello");
  CHECK(decode_body("a*G-V sbG8=", base64) == "hello");
  CHECK(decode_body("aGVsbG8=aGVsbG8=", base64) == "hellohello");
  CHECK(decode_body("", base64).empty());
  CHECK(decode_body("====", base64).empty());
}

TEST_CASE("decode: quoted-printable", "[mail][unit]") {
  CHECK(decode_body("Gr=C3=BC=\r\n=C3=9Fe\r\n", quoted_printable) == "Grüße\r\n");
}

TEST_CASE("decode: other encodings leave the octets unchanged", "[mail][unit]") {
  CHECK(decode_body("=41 aGVs\r\n", eight_bit) == "=41 aGVs\r\n");
}

TEST_CASE("decode: encoded words in both encodings become UTF-8", "[mail][unit]") {
  CHECK(decode_words("=?utf-8?B?R3LDvMOfZQ==?=") == "Grüße");
  CHECK(decode_words("=?ISO-8859-1?q?Gr=FC=DFe_an_alle?= und mehr") == "Grüße an alle und mehr");
  CHECK(decode_words("Re: =?utf-8*de?Q?=E2=82=AC?= 5") == "Re: € 5");
  CHECK(decode_words("no words at all") == "no words at all");
  CHECK(decode_words("").empty());
}

TEST_CASE("decode: white space between encoded words is removed, other white space stays", "[mail][unit]") {
  CHECK(decode_words("=?utf-8?q?a?= =?utf-8?q?b?=") == "ab");
  CHECK(decode_words("=?utf-8?q?a?=  \t=?iso-8859-1?q?=FC?=") == "aü");
  CHECK(decode_words("=?utf-8?q?a?= x =?utf-8?q?b?=") == "a x b");
}

TEST_CASE("decode: a character that is cut by two encoded words is put together", "[mail][unit]") {
  CHECK(decode_words("=?utf-8?q?=E2=82?= =?UTF-8?q?=AC?=") == "€");
}

TEST_CASE("decode: what only looks like an encoded word stays", "[mail][unit]") {
  for (const char* text : {"=?", "=?utf-8", "=?utf-8?", "=?utf-8?q", "=?utf-8?q?", "=?utf-8?q?a", "=?utf-8?q?a?",
                           "=?utf-8?x?a?=", "=??q?a?=", "=?a b?q?a?=", "=?utf-8?q?a?b?=", "1=?2"})
    CHECK(decode_words(text) == text);
}

TEST_CASE("decode: what was encoded is valid UTF-8 afterwards", "[mail][unit]") {
  CHECK(is_utf8(decode_words("=?utf-8?q?=FF=FE?= \xff")));
  CHECK(is_utf8(decode_words("=?utf-8?q?=E2=82?= end")));
}

TEST_CASE("decode: a long text of beginnings of words takes no long time", "[mail][unit]") {
  std::string text;
  while (text.size() < 1'000'000) text += "=?a?q?";
  CHECK(decode_words(text).size() >= text.size() / 2);
}

}  // namespace netlab::mail::decode_test
