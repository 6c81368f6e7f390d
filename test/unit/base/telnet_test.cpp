// SPDX-License-Identifier: MIT
#include "base/telnet.hpp"

#include <catch2/catch_test_macros.hpp>

#include <utility>

#include "support/cut.hpp"
#include "support/octets.hpp"

namespace netlab::telnet_test {

using namespace test;

namespace {

struct seen {
  std::string data;
  std::string answer;
};

// Checks that every cut gives the same result.
seen filter(const std::string& stream) {
  seen first;
  bool is_first = true;
  for (const pieces& cut : every_cut(stream)) {
    telnet_filter filter;
    seen now;
    for (const std::string_view piece : cut) {
      const auto out = filter.feed(piece);
      now.data += out.data;
      now.answer += out.answer;
    }
    if (std::exchange(is_first, false)) first = now;
    CHECK(hex(now.data) == hex(first.data));
    CHECK(hex(now.answer) == hex(first.answer));
  }
  return first;
}

}  // namespace

TEST_CASE("telnet: text without commands passes as it is", "[base][unit]") {
  const auto out = filter("SUM 1 2\r\nquit\n");
  CHECK(out.data == "SUM 1 2\r\nquit\n");
  CHECK(out.answer.empty());
}

TEST_CASE("telnet: what is offered and what is asked for is refused", "[base][unit]") {
  const auto out = filter(octets("fffb18 fffd01 'a' fffd18"));
  CHECK(out.data == "a");
  CHECK(hex(out.answer) == "ff fe 18 ff fc 01 ff fc 18");  // DONT 24, WONT 1, WONT 24
}

TEST_CASE("telnet: a peer that insists is not answered again, for each of the 256 options", "[base][unit]") {
  std::string stream;
  for (int round = 0; round < 3; ++round)
    for (int option = 0; option < 256; ++option)
      for (const char verb : {'\xfb', '\xfd'}) {
        stream += '\xff';
        stream += verb;
        stream += static_cast<char>(option);
      }
  telnet_filter filter;
  const auto out = filter.feed(stream);
  CHECK(out.data.empty());
  CHECK(out.answer.size() == 256 * 2 * 3);
}

TEST_CASE("telnet: a refusal needs no answer", "[base][unit]") {
  const auto out = filter(octets("fffc01 fffe03 'x'"));
  CHECK(out.data == "x");
  CHECK(out.answer.empty());
}

TEST_CASE("telnet: commands without an option are dropped", "[base][unit]") {
  CHECK(filter(octets("fff1 'a' fff6 'b' fff4 'c' fff0 'd'")).data == "abcd");
}

TEST_CASE("telnet: IAC IAC is one octet 255", "[base][unit]") {
  CHECK(hex(filter(octets("'a' ffff 'b'")).data) == "61 ff 62");
}

TEST_CASE("telnet: sub-negotiation is skipped, an escaped 255 in it too", "[base][unit]") {
  const auto out = filter(octets("'a' fffa1f 0050 ffff 0a fff0 'b'"));
  CHECK(out.data == "ab");
  CHECK(out.answer.empty());
}

TEST_CASE("telnet: the Return key in character mode, CR NUL, ends a line", "[base][unit]") {
  CHECK(hex(filter(octets("'a' 0d00 'b' 0d0a 'c' 0d 'd' 0d0d00")).data) == "61 0d 0a 62 0d 0a 63 0d 64 0d 0d 0a");
}

TEST_CASE("telnet: a NUL elsewhere stays", "[base][unit]") {
  CHECK(hex(filter(octets("00 'a' 00")).data) == "00 61 00");
}

TEST_CASE("telnet: a command behind a CR is a command", "[base][unit]") {
  const auto out = filter(octets("0d fffd01 'a'"));
  CHECK(hex(out.data) == "0d 61");
  CHECK(hex(out.answer) == "ff fc 01");
}

}  // namespace netlab::telnet_test
