// SPDX-License-Identifier: MIT
#include "mail/reply.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/failure.hpp"

namespace netlab::mail::reply_test {

namespace {

/// The replies in the text, fed in pieces of `size` octets; a failure is the last element.
std::vector<std::string> replies_in(std::string_view text, std::size_t size) {
  reply_parser parser;
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size(); at += size) {
    parser.feed(text.substr(at, size));
    while (auto next = parser.next()) all.push_back(*next ? (*next)->to_string() : test::why(*next));
  }
  return all;
}

}  // namespace

TEST_CASE("reply: the last line of a multi-line reply has a blank after the code", "[mail][reply]") {
  const std::size_t cut = GENERATE(1u, 2u, 3u, 7u, 1000u);
  const auto all = replies_in("250-mail.example.org\r\n250-SIZE 1000\r\n250 HELP\r\n354 go\r\n", cut);
  CHECK(all == std::vector<std::string>{"250 mail.example.org SIZE 1000 HELP", "354 go"});
}

TEST_CASE("reply: lines may end in a lone LF", "[mail][reply]") {
  CHECK(replies_in("220-a\n220 b\r\n", 1) == std::vector<std::string>{"220 a b"});
}

TEST_CASE("reply: a code alone is a whole line", "[mail][reply]") {
  CHECK(replies_in("250\r\n250-\r\n250 \r\n", 1) == std::vector<std::string>{"250", "250"});
}

TEST_CASE("reply: what is none ends the parsing", "[mail][reply]") {
  const std::string text = GENERATE("SSH-2.0-OpenSSH_9.2\r\n", "25\r\n", "999 x\r\n", "199 x\r\n", "600 x\r\n",
                                    "250_x\r\n", "25a x\r\n", "\r\n", "HTTP/1.1 400\r\n");
  const auto all = replies_in(text + "250 ok\r\n", 1000);
  REQUIRE(all.size() == 1);
  CHECK(all[0].find("not an SMTP reply") != std::string::npos);
}

TEST_CASE("reply: codes within one reply do not differ", "[mail][reply]") {
  const auto all = replies_in("250-a\r\n550 b\r\n", 1);
  REQUIRE(all.size() == 1);
  CHECK(all[0] == "a multi-line reply with the code 250 continues with 550");
}

TEST_CASE("reply: a line has its limit", "[mail][reply]") {
  const std::string most(mail::max_reply_line - 4, 'x');
  CHECK(replies_in("250 " + most + "\r\n", 1000).at(0) == "250 " + most);
  CHECK(replies_in("250 x" + most + "\r\n", 1000).at(0) == "a reply line of more than 8192 octets");
  CHECK(replies_in(std::string(20'000, 'x'), 1000).at(0) == "a reply line of more than 8192 octets");
}

TEST_CASE("reply: the lines of one have a limit together", "[mail][reply]") {
  std::string text;
  for (int line = 0; line < 10'000; ++line) text += "250-PIPELINING\r\n";
  CHECK(replies_in(text, 1000) == std::vector<std::string>{"a reply of more than 65536 octets"});
}

TEST_CASE("reply: an enhanced status has the code's class", "[mail][reply]") {
  const auto enhanced = [](int code, std::string text) { return mail::reply{code, {std::move(text)}}.enhanced(); };
  CHECK(enhanced(550, "5.1.1 no such user") == mail::enhanced_status{5, 1, 1});
  CHECK(enhanced(250, "2.1.5") == mail::enhanced_status{2, 1, 5});
  CHECK_FALSE(enhanced(250, "5.1.1 no such user"));
  CHECK_FALSE(enhanced(250, "Ok"));
  CHECK_FALSE(enhanced(250, "2.1"));
  CHECK_FALSE(enhanced(250, "2.1.1000 x"));
  CHECK_FALSE(enhanced(250, "2..1 x"));
}

TEST_CASE("reply: 4xx is for now, 5xx for good, and the rest makes no sense", "[mail][reply]") {
  CHECK(mail::to_failure({450, {"later"}}, "RCPT").code == errc::try_later);
  CHECK(mail::to_failure({550, {"no"}}, "RCPT").code == errc::rejected);
  CHECK(mail::to_failure({354, {"go"}}, "RCPT").code == errc::peer_protocol);
  CHECK(describe(mail::to_failure({550, {"no\x1b[31m"}}, "RCPT")) == "RCPT: 550 no\\x1b[31m");
}

}  // namespace netlab::mail::reply_test
