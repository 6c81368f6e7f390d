// SPDX-License-Identifier: MIT
#include "connect/telnet.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/cut.hpp"
#include "support/octets.hpp"

namespace netlab::connect::telnet_test {

using namespace test;

namespace {

struct telnet_output {
  std::string data;
  std::string answer;
};

telnet_output receive(telnet_mode mode, const pieces& stream) {
  telnet session(mode);
  telnet_output all;
  for (const std::string_view piece : stream) {
    auto got = session.from_peer(piece);
    all.data += got.data;
    all.answer += got.answer;
  }
  all.data += session.rest();
  return all;
}

std::string sent(telnet_mode mode, const pieces& stream) {
  telnet session(mode);
  std::string all;
  for (const std::string_view piece : stream) session.to_peer(all, piece);
  return all;
}

}  // namespace

TEST_CASE("connect telnet: what is no negotiation at the beginning passes unchanged, later too", "[connect][telnet]") {
  // An MP3, a UTF-16 text, a JPEG, an IAC alone, half a negotiation, a negotiation after data, IAC WONT, no octets.
  for (const char* notation :
       {"fff1 9064", "fffe 4100", "ffd8 ffe0", "ff", "fffb", "'hello' fffb01 ff", "fffc01", ""}) {
    const std::string stream = octets(notation);
    INFO(notation);
    for (const pieces& cut : every_cut(stream)) {
      const telnet_output all = receive(telnet_mode::automatic, cut);
      CHECK(hex(all.data) == hex(stream));
      CHECK(all.answer.empty());
    }
  }
}

TEST_CASE("connect telnet: a server that begins with a negotiation is answered", "[connect][telnet]") {
  const std::string stream = octets("fffd18 fffb01 fffb03 fffd18 'login: ' ffff 0d00 'x' 0d0a");
  for (const pieces& cut : every_cut(stream)) {
    const telnet_output all = receive(telnet_mode::automatic, cut);
    CHECK(hex(all.data) == hex(octets("'login: ' ff 0d 'x' 0d0a")));
    CHECK(hex(all.answer) == hex(octets("fffc18 fffe01 fffe03")));
  }
}

TEST_CASE("connect telnet: switched off, nothing is touched; switched on, everything is", "[connect][telnet]") {
  const std::string stream = octets("fffd18 'x'");
  CHECK(receive(telnet_mode::off, {stream}).data == stream);
  CHECK(receive(telnet_mode::on, {stream}).data == "x");
  CHECK(receive(telnet_mode::on, {"x", stream}).data == "xx");
}

TEST_CASE("connect telnet: 0xFF is doubled, lines end in CR LF, another CR is CR NUL", "[connect][telnet]") {
  const std::string typed = octets("'a' 0a 'b' 0d0a ff 0d 'c' 0d0d0a 0d00");
  for (const pieces& cut : every_cut(typed))
    CHECK(hex(sent(telnet_mode::on, cut)) == hex(octets("'a' 0d0a 'b' 0d0a ffff 0d00 'c' 0d00 0d0a 0d00")));
  CHECK(sent(telnet_mode::off, {typed}) == typed);
  CHECK(sent(telnet_mode::automatic, {typed}) == typed);
}

}  // namespace netlab::connect::telnet_test
