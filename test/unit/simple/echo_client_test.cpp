// SPDX-License-Identifier: MIT
#include "simple/echo_client.hpp"

#include <catch2/catch_test_macros.hpp>

#include "simple/echo.hpp"
#include "support/cut.hpp"
#include "support/failure.hpp"
#include "support/pair.hpp"
#include "support/start.hpp"

namespace netlab::simple::echo_client_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

bytes to_bytes(std::string_view text) { return {as_bytes(text).begin(), as_bytes(text).end()}; }

// The outcome for "hello" after this reply.
std::string reply_to_hello(const pieces& stream) {
  simple::echo_client one(to_bytes("hello"), 5s, start);
  CHECK(as_text(one.take_output()) == "hello");
  for (const std::string_view piece : stream) one.feed(as_bytes(piece), start);
  if (!one.done()) one.eof(start);
  return one.outcome() ? "same" : why(one.outcome());
}

std::string compared(std::string_view sent, std::string_view reply) {
  const auto same = simple::compare_echo(as_bytes(sent), as_bytes(reply));
  return same ? "same" : why(same);
}

}  // namespace

TEST_CASE("echo client: the same octets are right, for every cut", "[simple][unit]") {
  for (const pieces& cut : every_cut("hello")) CHECK(reply_to_hello(cut) == "same");
}

TEST_CASE("echo client: names the first octet that differs", "[simple][unit]") {
  CHECK(reply_to_hello({"heLlo"}) == "the reply differs from octet 2 on: 'Llo'");
  CHECK(reply_to_hello({"he", "Llo"}) == "the reply differs from octet 2 on: 'Llo'");
  CHECK(reply_to_hello({"\x1b[2J"}) == "the reply differs from octet 0 on: '\\x1b[2J'");
}

TEST_CASE("echo client: a reply that ends early, or never began", "[simple][unit]") {
  CHECK(reply_to_hello({"hel"}) == "the connection ended after 3 of 5 octets");
  CHECK(reply_to_hello({}) == "the connection was closed without a reply");
}

TEST_CASE("echo client: a reply that is too long", "[simple][unit]") {
  CHECK(reply_to_hello({"hello!"}) == "the reply has 6 octets, 5 were sent");
  CHECK(reply_to_hello({"hel", "lo!!"}) == "the reply has 7 octets, 5 were sent");
}

TEST_CASE("echo client: silence ends after its time, counted from the last octet", "[simple][unit]") {
  simple::echo_client one(to_bytes("hello"), 5s, start);
  CHECK(one.deadline() == start + 5s);
  one.feed(as_bytes("he"), start + 3s);
  CHECK(one.deadline() == start + 8s);
  one.tick(start + 7s);
  CHECK_FALSE(one.done());
  one.tick(start + 8s);
  CHECK(failed_with(one.outcome(), errc::timed_out));
  CHECK(why(one.outcome()) == "2 of 5 octets, then silence for 5 s");
  CHECK(as_text(one.reply()) == "he");
  simple::echo_client none(to_bytes("hello"), 5s, start);
  none.tick(start + 5s);
  CHECK(why(none.outcome()) == "no reply within 5 s");
}

TEST_CASE("echo client: nothing sent is nothing to wait for", "[simple][unit]") {
  const simple::echo_client one({}, 5s, start);
  CHECK(one.done());
  CHECK(one.outcome());
}

TEST_CASE("echo: a datagram is compared as a whole", "[simple][unit]") {
  CHECK(compared("hello", "hello") == "same");
  CHECK(compared("", "") == "same");
  CHECK(compared("hello", "hel") == "the reply has 3 of 5 octets");
  CHECK(compared("hello", "hello!") == "the reply has 6 octets, 5 were sent");
  CHECK(compared("hello", "heLlo") == "the reply differs from octet 2 on: 'Llo'");
  CHECK(compared("hello", "") == "the reply has 0 of 5 octets");
}

TEST_CASE("echo client and session: a message comes back, however the network cuts", "[simple][unit]") {
  std::minstd_rand random(862);
  for (const std::size_t size : {1U, 100U, 10'000U})
    for (const std::size_t longest : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
      bytes message(size);
      for (std::byte& each : message) each = static_cast<std::byte>(random());
      simple::echo_client one(message, 5s, start);
      simple::echo_session server(5min, start);
      pair both(one, server, start, 7, longest);
      CHECK(both.run());
      REQUIRE(one.done());
      CHECK(one.outcome());
      CHECK(server.octets() == size);
      CHECK(server.done());
    }
}

}  // namespace netlab::simple::echo_client_test
