// SPDX-License-Identifier: MIT
#include "mail/message/quoted_printable.hpp"

#include <catch2/catch_test_macros.hpp>

#include "base/text.hpp"

namespace netlab::mail::quoted_printable_test {

using namespace std::string_view_literals;

TEST_CASE("quoted-printable: the rules of RFC 2045 hold", "[mail][unit]") {
  CHECK(encode_quoted_printable("a=b\r\n") == "a=3Db\r\n");
  CHECK(encode_quoted_printable("ä\r\n") == "=C3=A4\r\n");
  CHECK(encode_quoted_printable("a \r\nb\t\r\n \r\n") == "a=20\r\nb=09\r\n=20\r\n");
  CHECK(encode_quoted_printable("a b\tc\r\n") == "a b\tc\r\n");
  CHECK(encode_quoted_printable("a\rb\nc\r\n") == "a=0Db=0Ac\r\n");
  CHECK(encode_quoted_printable("\0\x7f\r\n"sv) == "=00=7F\r\n");
}

TEST_CASE("quoted-printable: no line has more than 76 characters, and no escape is cut", "[mail][unit]") {
  CHECK(encode_quoted_printable(std::string(76, 'x') + "\r\n") == std::string(76, 'x') + "\r\n");
  CHECK(encode_quoted_printable(std::string(77, 'x') + "\r\n") == std::string(75, 'x') + "=\r\nxx\r\n");
  CHECK(encode_quoted_printable(std::string(74, 'x') + "=\r\n") == std::string(74, 'x') + "=\r\n=3D\r\n");
  CHECK(encode_quoted_printable(std::string(73, 'x') + "=\r\n") == std::string(73, 'x') + "=3D\r\n");
  std::string text;
  for (int i = 0; i < 500; ++i) text += i % 7 == 0 ? "ä" : i % 11 == 0 ? " " : "x";
  const std::string encoded = encode_quoted_printable(text);
  for (const std::string_view line : split(encoded, '\n')) CHECK(trim(line).size() <= 76);
}

TEST_CASE("quoted-printable: decoding removes soft line breaks and blanks before line ends", "[mail][unit]") {
  CHECK(decode_quoted_printable("Gr=C3=bc=\r\n=C3=9Fe  \r\nend") ==
        "Grü\xc3\x9f"
        "e\r\nend");
  CHECK(decode_quoted_printable("a=\nb\n") == "ab\n");
  CHECK(decode_quoted_printable("1=1, =zz, =") == "1=1, =zz, ");
  CHECK(decode_quoted_printable("=3D=\t\r\n") == "=");
}

}  // namespace netlab::mail::quoted_printable_test
