// SPDX-License-Identifier: MIT
#include "scan/talk.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace netlab;
using namespace netlab::scan;
using namespace std::chrono_literals;

namespace {

const time_point start{1h};
const talk_options both{.listen = true, .message = "hi\r\n"};

}  // namespace

TEST_CASE("talk: a banner is listened for, then the message goes out, then its reply is taken", "[scan][unit]") {
  talk one(both, 400ms, start);
  CHECK(one.take_output().empty());
  one.feed(as_bytes("220 hello\r\n"), start + 10ms);
  one.tick(start + 59ms);
  CHECK(one.take_output().empty());
  one.tick(one.deadline());
  CHECK(one.take_output() == "hi\r\n");
  CHECK(one.take_output().empty());
  one.feed(as_bytes("500 what\r\n"), start + 80ms);
  one.tick(one.deadline());
  CHECK(one.done());
  CHECK(one.banner() == "220 hello\r\n");
  CHECK(one.reply() == "500 what\r\n");
  CHECK_FALSE(one.is_echo());
}

TEST_CASE("talk: the message sent back, in any pieces, is an echo and ends it at once", "[scan][unit]") {
  talk one(both, 400ms, start);
  one.tick(start + 400ms);
  CHECK(one.take_output() == "hi\r\n");
  for (const char* piece : {"h", "i", "\r"}) {
    one.feed(as_bytes(piece), start + 401ms);
    CHECK_FALSE(one.done());
  }
  one.feed(as_bytes("\n"), start + 402ms);
  CHECK(one.done());
  CHECK(one.is_echo());
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
  talk one(both, 400ms, start);
  const bytes flood(1 << 20, std::byte{'x'});
  one.feed(flood, start);
  CHECK(one.banner().size() == 1024);
  CHECK(one.take_output() == "hi\r\n");
  one.feed(flood, start);
  CHECK(one.done());
  CHECK(one.reply().size() == 1024);
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

TEST_CASE("talk: without a message only the banner counts; without either nothing does", "[scan][unit]") {
  const talk_options listening{.listen = true, .message = std::nullopt};
  talk one(listening, 400ms, start);
  one.tick(one.deadline());
  CHECK(one.done());
  CHECK(one.take_output().empty());
  const talk_options sending{.listen = false, .message = "hi"};
  talk two(sending, 400ms, start);
  CHECK(two.take_output() == "hi");
}

TEST_CASE("talk: a port that closes has said all", "[scan][unit]") {
  talk one(both, 400ms, start);
  one.feed(as_bytes("bye"), start);
  one.eof();
  CHECK(one.done());
  CHECK(one.banner() == "bye");
}
