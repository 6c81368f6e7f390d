// SPDX-License-Identifier: MIT
#include "scan/talk.hpp"

#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/start.hpp"

namespace netlab::scan::talk_test {

using namespace std::chrono_literals;
using test::start;

namespace {

const talk_options both{.listen = true, .message = "hi\r\n"};

/// Returns the unsent octets and marks them as sent.
std::string take_output(talk& of) {
  const std::string text(of.unsent());
  of.sent(text.size());
  return text;
}

}  // namespace

TEST_CASE("talk: a banner is listened for, then the message goes out, then its reply is taken", "[scan][unit]") {
  talk one(both, 400ms, start);
  CHECK(take_output(one).empty());
  one.feed(as_bytes("220 hello\r\n"), start + 10ms);
  one.tick(start + 209ms);
  CHECK(take_output(one).empty());
  one.tick(one.deadline());
  CHECK(take_output(one) == "hi\r\n");
  CHECK(take_output(one).empty());
  one.feed(as_bytes("500 what\r\n"), start + 230ms);
  one.tick(one.deadline());
  CHECK(one.done());
  CHECK(one.banner() == "220 hello\r\n");
  CHECK(one.reply() == "500 what\r\n");
  CHECK_FALSE(one.is_echo());
}

TEST_CASE("talk: a banner in pieces is a banner", "[scan][unit]") {
  SECTION("lines with pauses between them") {
    talk one(both, 400ms, start);
    one.feed(as_bytes("first\r\n"), start + 300ms);
    one.tick(start + 450ms);
    one.feed(as_bytes("second\r\n"), start + 450ms);
    one.tick(one.deadline());
    CHECK(take_output(one) == "hi\r\n");
    CHECK(one.banner() == "first\r\nsecond\r\n");
  }
  SECTION("a line that has not ended, and one that announces another, are waited for") {
    for (const auto& [piece, rest] : {std::pair("22", "0 hello\r\n"), std::pair("220-hello\r\n", "220 there\r\n")}) {
      talk one(both, 400ms, start);
      one.feed(as_bytes(piece), start + 10ms);
      one.tick(start + 360ms);
      CHECK(take_output(one).empty());
      one.feed(as_bytes(rest), start + 360ms);
      one.tick(one.deadline());
      CHECK(take_output(one) == "hi\r\n");
      CHECK(one.banner() == std::string(piece) + rest);
    }
  }
  SECTION("a prompt without a line end has ended when the patience is over") {
    talk one(both, 400ms, start);
    one.feed(as_bytes("login: "), start + 10ms);
    CHECK(one.deadline() == start + 410ms);
    one.tick(one.deadline());
    CHECK(take_output(one) == "hi\r\n");
  }
}

TEST_CASE("talk: the rest of a long banner is not the reply", "[scan][unit]") {
  talk one(both, 400ms, start);
  const std::string kilobyte(1023, 'x');
  for (int count = 0; count < 5; ++count) one.feed(as_bytes(kilobyte + "\n"), start + count * 10ms);
  CHECK(take_output(one).empty());
  one.tick(one.deadline());
  CHECK(take_output(one) == "hi\r\n");
  one.feed(as_bytes("500 what\r\n"), one.deadline() - 390ms);
  one.tick(one.deadline());
  CHECK(one.done());
  CHECK(one.banner().size() == most_kept);
  CHECK(one.is_banner_cut());
  CHECK(one.reply() == "500 what\r\n");
  CHECK_FALSE(one.is_reply_cut());
}

TEST_CASE("talk: what never pauses is a banner and no reply, and ends", "[scan][unit]") {
  talk one(both, 400ms, start);
  time_point now = start;
  std::string sent;
  while (!one.done() && now < start + 10s) {
    one.feed(as_bytes("chargen chargen\r\n"), now);
    now += 10ms;
    one.tick(now);
    sent += take_output(one);
  }
  CHECK(one.done());
  CHECK(now < start + 1s);
  CHECK(sent == "hi\r\n");
  CHECK(one.reply().empty());
  CHECK(one.is_banner_cut());
}

TEST_CASE("talk: the message sent back, in any pieces, is an echo and ends it at once", "[scan][unit]") {
  talk one(both, 400ms, start);
  one.tick(start + 400ms);
  CHECK(take_output(one) == "hi\r\n");
  for (const char* piece : {"h", "i", "\r"}) {
    one.feed(as_bytes(piece), start + 401ms);
    CHECK_FALSE(one.done());
  }
  one.feed(as_bytes("\n"), start + 402ms);
  CHECK(one.done());
  CHECK(one.is_echo());
}

TEST_CASE("talk: an echo of any length is named, with pauses in it, and its text is cut", "[scan][unit]") {
  const std::size_t length = GENERATE(1U, 1022U, 1024U, 1025U, 100'000U);
  const talk_options sending{.listen = false, .message = std::string(length, 'm') + "\r\n"};
  talk one(sending, 400ms, start);
  CHECK(take_output(one) == *sending.message);
  time_point now = start;
  for (std::string_view rest = *sending.message; !rest.empty();) {
    CHECK_FALSE(one.done());
    one.feed(as_bytes(rest.substr(0, 1448)), now);
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1448));
    now += 30ms;
    one.tick(now);
  }
  CHECK(one.is_echo());
  CHECK(one.done());
  CHECK(one.is_reply_cut() == (length + 2 > most_kept));
  CHECK(one.reply() == sending.message->substr(0, most_kept));
}

TEST_CASE("talk: what begins like the message is no echo if it goes on otherwise", "[scan][unit]") {
  const talk_options sending{.listen = false, .message = "hi\r\n"};
  for (const char* reply : {"hi", "hi\r\n.", "hi there\r\n"}) {
    talk one(sending, 400ms, start);
    one.feed(as_bytes(reply), start + 1ms);
    one.tick(one.deadline());
    CHECK(one.done());
    CHECK_FALSE(one.is_echo());
    CHECK(one.reply() == reply);
  }
}

TEST_CASE("talk: silence ends after its patience, twice", "[scan][unit]") {
  talk one(both, 400ms, start);
  CHECK(one.deadline() == start + 400ms);
  one.tick(one.deadline());
  CHECK(one.deadline() == start + 800ms);
  one.tick(one.deadline());
  CHECK(one.done());
  CHECK(one.reply().empty());
}

TEST_CASE("talk: a flood is cut and ends it", "[scan][unit]") {
  const bytes flood(1 << 20, std::byte{'x'});
  talk one(both, 400ms, start);
  one.feed(flood, start);
  CHECK(one.banner().size() == most_kept);
  one.tick(one.deadline());
  CHECK(take_output(one) == "hi\r\n");
  one.feed(flood, start + 300ms);
  CHECK(one.done());
  CHECK(one.reply().size() == most_kept);
  CHECK(one.is_reply_cut());
}

TEST_CASE("talk: one that drips for ever ends all the same", "[scan][unit]") {
  talk one(both, 400ms, start);
  time_point now = start;
  for (int at = 0; at < 10'000 && !one.done(); ++at) {
    one.feed(as_bytes("x"), now);
    now += 49ms;
    one.tick(now);
  }
  CHECK(one.done());
  CHECK(now < start + 2s);
}

TEST_CASE("talk: a long message may be sent in pieces", "[scan][unit]") {
  const talk_options sending{.listen = false, .message = "hello"};
  talk one(sending, 400ms, start);
  one.sent(2);
  CHECK(one.unsent() == "llo");
  one.sent(3);
  CHECK(one.unsent().empty());
}

TEST_CASE("talk: without a message only the banner counts; without either nothing does", "[scan][unit]") {
  const talk_options listening{.listen = true, .message = std::nullopt};
  talk one(listening, 400ms, start);
  one.tick(one.deadline());
  CHECK(one.done());
  CHECK(take_output(one).empty());
  const talk_options sending{.listen = false, .message = "hi"};
  talk two(sending, 400ms, start);
  CHECK(take_output(two) == "hi");
}

TEST_CASE("talk: a port that closes has said all", "[scan][unit]") {
  talk one(both, 400ms, start);
  one.feed(as_bytes("bye"), start);
  one.eof();
  CHECK(one.done());
  CHECK(one.banner() == "bye");
}

}  // namespace netlab::scan::talk_test
