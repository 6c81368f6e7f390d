// SPDX-License-Identifier: MIT
#include "mail/message/mime.hpp"

#include <catch2/catch_test_macros.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace netlab::mail::mime_test {

using namespace std::string_view_literals;

namespace {

std::string lines_of(std::string_view octets) {
  std::string out(size_in_base64(octets.size()), '\0');
  REQUIRE(encode_base64_lines(octets, out) == out.size());
  return out;
}

}  // namespace

TEST_CASE("to_crlf: every kind of line end becomes CRLF, and the last line has one", "[mail][unit]") {
  CHECK(to_crlf("").empty());
  CHECK(to_crlf("a") == "a\r\n");
  CHECK(to_crlf("a\nb\rc\r\nd") == "a\r\nb\r\nc\r\nd\r\n");
  CHECK(to_crlf("\n\r\r\n\n\r") == "\r\n\r\n\r\n\r\n\r\n");
  CHECK(to_crlf("\r") == "\r\n");
  CHECK(to_crlf("a\r\n") == "a\r\n");
}

TEST_CASE("encoding: as it is where it may be, else the shorter one", "[mail][unit]") {
  using enum transfer_encoding;
  CHECK(encoding_for("", false) == seven_bit);
  CHECK(encoding_for("plain\r\n", false) == seven_bit);
  CHECK(encoding_for("Hällo, world\r\n", true) == eight_bit);
  CHECK(encoding_for("Hällo, world\r\n", false) == quoted_printable);
  CHECK(encoding_for("日本語\r\n", false) == base64);
  CHECK(encoding_for("日本語\r\n", true) == eight_bit);
  const std::string fits = std::string(998, 'x') + "\r\n";
  CHECK(encoding_for(fits, false) == seven_bit);
  CHECK(encoding_for("x" + fits, false) == quoted_printable);
  CHECK(encoding_for("x" + fits, true) == quoted_printable);
  CHECK(encoding_for(fits + fits, false) == seven_bit);
  CHECK(encoding_for("\r\n" + fits + "x" + fits + "\r\n", false) == quoted_printable);
  CHECK(encoding_for(fits + "a\r\nb\r\n" + fits, false) == seven_bit);
  CHECK(encoding_for("a\0b\r\n"sv, true) == quoted_printable);
  CHECK(encoding_for("\x1b[1m\r\n", true) == quoted_printable);
  CHECK(encoding_for("a\tb\r\n", true) == seven_bit);
}

TEST_CASE("base64 lines: 76 characters each, of the size that was foretold", "[mail][unit]") {
  CHECK(lines_of("").empty());
  CHECK(lines_of("foobar") == "Zm9vYmFy\r\n");
  for (const std::size_t size : {1U, 56U, 57U, 58U, 113U, 114U, 115U, 1000U}) {
    std::string octets;
    for (std::size_t i = 0; i < size; ++i) octets += static_cast<char>(i * 37);
    const std::string lines = lines_of(octets);
    CHECK(lines.ends_with("\r\n"));
    for (const std::string_view line : split(lines, '\n')) CHECK(trim(line).size() <= 76);
    const auto back = decode_base64(lines);
    REQUIRE(back);
    CHECK(as_text(*back) == octets);
  }
}

TEST_CASE("media types: by the extension, in any case", "[mail][unit]") {
  CHECK(type_of("a.png") == "image/png");
  CHECK(type_of("A.TAR.GZ") == "application/gzip");
  CHECK(type_of("7z.7z") == "application/x-7z-compressed");
  CHECK(type_of("a.zst") == "application/zstd");
  for (const auto name : {"png"sv, ""sv, "."sv, "a."sv, "a.unknown"sv, "a.eml"sv, "a.abcdefghij"sv})
    CHECK(type_of(name) == "application/octet-stream");
  for (const auto good : {"image/png"sv, "application/vnd.x+y"sv}) CHECK(is_media_type(good));
  for (const auto bad : {""sv, "image"sv, "image/"sv, "/png"sv, "a/b/c"sv, "a/b; c=d"sv, "a/b\r\n"sv, "ä/b"sv})
    CHECK_FALSE(is_media_type(bad));
}

}  // namespace netlab::mail::mime_test
