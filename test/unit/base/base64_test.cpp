// SPDX-License-Identifier: MIT
#include "base/base64.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <random>

#include "support/failure.hpp"

namespace netlab::base64_test {

namespace {

std::string decoded(std::string_view text) {
  const auto octets = decode_base64(text);
  return octets ? std::string(as_text(*octets)) : test::why(octets);
}

struct vector {
  std::string_view plain;
  std::string_view encoded;
};

// RFC 4648 §10
constexpr std::array<vector, 7> vectors{{{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}}};

}  // namespace

TEST_CASE("base64: the test vectors of RFC 4648 hold both ways", "[base][unit]") {
  for (const vector& each : vectors) {
    CHECK(encode_base64(as_bytes(each.plain)) == each.encoded);
    CHECK(decoded(each.encoded) == each.plain);
  }
}

TEST_CASE("base64url: the test vectors without padding, and characters that a URL can hold", "[base][unit]") {
  for (const vector& each : vectors)
    CHECK(encode_base64url(as_bytes(each.plain)) == each.encoded.substr(0, each.encoded.find('=')));
  CHECK(encode_base64(as_bytes("\xfb\xff\xfe")) == "+//+");
  CHECK(encode_base64url(as_bytes("\xfb\xff\xfe")) == "-__-");
}

TEST_CASE("base64: every octet comes back", "[base][unit]") {
  std::minstd_rand random(4648);
  for (const std::size_t size : {1U, 2U, 3U, 57U, 256U, 1000U, 65537U}) {
    bytes octets(size);
    for (std::byte& each : octets) each = static_cast<std::byte>(random());
    CHECK(decode_base64(encode_base64(octets)) == octets);
  }
}

TEST_CASE("base64: more than is encoded at once comes back", "[base][unit]") {
  const bytes octets(12U * 1024 * 1024 + 5, std::byte{0xa5});
  const std::string text = encode_base64(octets);
  CHECK(text.size() == (octets.size() + 2) / 3 * 4);
  const auto back = decode_base64(text);
  REQUIRE(back);
  CHECK((*back == octets));
}

TEST_CASE("base64: blanks and line ends may stand anywhere", "[base][unit]") {
  CHECK(decoded("Zm9v\r\nYmFy\n") == "foobar");
  CHECK(decoded(" Z m\t8 = \n") == "fo");
  CHECK(decoded("\n").empty());
}

TEST_CASE("base64: refuses another alphabet, wrong padding and hidden bits", "[base][unit]") {
  for (const auto text : {"Zg", "Zg=", "Zg===", "Z===", "=", "====", "Zm9v=", "Zg==Zg==", "Z=g=", "Zm9-", "Zm9_",
                          "Zm9!", "Zm\xc3\xa4", "Zh==", "Zm9="}) {
    INFO(text);
    CHECK(test::failed_with(decode_base64(text), errc::bad_data));
  }
  using namespace std::string_view_literals;
  CHECK(test::failed_with(decode_base64("Zm9\0"sv), errc::bad_data));
}

}  // namespace netlab::base64_test
