// SPDX-License-Identifier: MIT
#include "calc/client.hpp"

#include <catch2/catch_test_macros.hpp>

#include "calc/session.hpp"
#include "support/cut.hpp"
#include "support/failure.hpp"
#include "support/octets.hpp"
#include "support/pair.hpp"
#include "support/start.hpp"

namespace netlab::calc::client_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

/// A client and the outcomes that were taken from it.
struct caller {
  explicit caller(byte_order order = byte_order::big) : session(order, 5s) {}

  caller& ask(std::uint64_t tag, std::vector<std::int32_t> numbers, std::string op = "SUM", time_point now = start) {
    session.submit(tag, {.id = static_cast<std::uint32_t>(tag), .op = std::move(op), .numbers = std::move(numbers)},
                   now);
    return *this;
  }
  caller& hear(std::string_view octets, time_point now = start) {
    session.feed(as_bytes(octets), now);
    return *this;
  }

  /// All outcomes so far.
  const texts& told() {
    for (const outcome& one : session.take_outcomes())
      outcomes.push_back(std::to_string(one.tag) + " " + (one.value ? std::to_string(*one.value) : why(one.value)));
    return outcomes;
  }

  client session;
  texts outcomes;
};

class nobody final : public session_observer {
 public:
  void refused(std::string_view) override {}
};

}  // namespace

TEST_CASE("client: a request goes out whole, at once", "[calc][unit]") {
  caller one;
  one.ask(7, {1, 2});
  CHECK(hex(one.session.take_output()) == hex(octets("00000007 'SUM' 02 00000001 00000002")));
  CHECK(one.session.take_output().empty());
  CHECK(one.session.outstanding() == 1);
}

TEST_CASE("client: answers are checked in the order of the requests, for every cut", "[calc][unit]") {
  const std::string stream = octets("00000001 00000003 00000002 fffffffb 00000003 00000000");
  for (const pieces& cut : every_cut(stream)) {
    caller one;
    one.ask(1, {1, 2}).ask(2, {-5}).ask(3, {});
    one.session.close();
    for (const std::string_view piece : cut) {
      CHECK_FALSE(one.session.done());
      one.hear(piece);
    }
    CHECK(one.told() == texts{"1 3", "2 -5", "3 0"});
    CHECK(one.session.done());
    CHECK(one.session.answers() == 3);
  }
}

TEST_CASE("client: a wrong answer costs its own request only", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).ask(2, {2}).hear(octets("00000001 00000009 00000002 00000002"));
  CHECK(one.told() == texts{"1 answered 9, but SUM 1 is 1", "2 2"});
  CHECK_FALSE(one.session.done());
  CHECK(one.session.answers() == 1);
}

TEST_CASE("client: it stays until it is told that nothing more will be asked", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).hear(octets("00000001 00000001"));
  CHECK_FALSE(one.session.done());
  CHECK_FALSE(one.session.deadline());
  one.session.close();
  CHECK(one.session.done());
}

TEST_CASE("client: an echo ends it, and what is unanswered can be had", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).ask(2, {2}).hear(octets("00000001 'SUM' 01 00000001 00000002 'SUM' 01 00000002"));
  CHECK(one.told() == texts{"1 the request came back unchanged: this is an echo service, not a calculation server"});
  CHECK(one.session.done());
  const auto left = one.session.take_unanswered();
  REQUIRE(left.size() == 1);
  CHECK(left[0].tag == 2);
  CHECK(left[0].asked.numbers == std::vector<std::int32_t>{2});
  CHECK(one.session.take_unanswered().empty());
}

TEST_CASE("client: text of another protocol ends it, and nothing is read into it afterwards", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).hear("220 mail.example.org\r\n");
  CHECK(one.told() == texts{"1 the peer speaks another protocol: '220 mail.example.org'"});
  CHECK(one.session.done());
  one.hear("500 what?\r\n");
  one.session.eof(start);
  one.session.tick(start + 1h);
  CHECK(one.told().size() == 1);
}

TEST_CASE("client: an answer that is too long is wrong, and what follows the last answer ends it", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).hear(octets("00000001 00000001 00000001 0000"));
  CHECK(one.told() == texts{"1 the answer has 14 octets, not 8"});
  CHECK(one.session.done());
  caller later;
  later.ask(1, {1}).hear(octets("00000001 00000001"));
  CHECK(later.told() == texts{"1 1"});
  later.hear(octets("00"));
  CHECK(later.session.done());
}

TEST_CASE("client: silence ends after its time, and says what it knows", "[calc][unit]") {
  caller one;
  one.ask(1, {}, "MAX").ask(2, {2});
  CHECK(one.session.deadline() == start + 5s);
  one.session.tick(start + 4999ms);
  CHECK(one.told().empty());
  one.session.tick(start + 5s);
  CHECK(one.told() == texts{"1 no answer within 5 s (the request has no result, so the server need not answer)"});
  CHECK(one.session.done());
  CHECK(one.session.take_unanswered().size() == 1);
}

TEST_CASE("client: half an answer, then silence", "[calc][unit]") {
  caller one;
  one.ask(1, {}, "MAX").hear(octets("000000"));
  one.session.tick(start + 5s);
  CHECK(one.told().at(0).starts_with("1 3 of 8 octets of the answer, then silence for 5 s"));
}

TEST_CASE("client: each answer has its own time, from the one before", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).ask(2, {2}).hear(octets("00000001 00000001"), start + 4s);
  CHECK(one.session.deadline() == start + 9s);
  one.hear(octets("00000002 00000002"), start + 8s);
  CHECK_FALSE(one.session.deadline());
  one.ask(3, {3}, "SUM", start + 20s);
  CHECK(one.session.deadline() == start + 25s);
}

TEST_CASE("client: a peer that closes before the first answer has given none", "[calc][unit]") {
  caller one;
  one.ask(1, {7}, "MAX").ask(2, {2});
  one.session.eof(start);
  CHECK(one.told() == texts{"1 the connection was closed without an answer"});
  CHECK(one.session.take_unanswered().size() == 1);
}

TEST_CASE("client: a peer that closes behind an answer leaves the rest for another connection", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).ask(2, {2}).hear(octets("00000001 00000001"));
  one.session.eof(start);
  CHECK(one.told() == texts{"1 1"});
  CHECK(one.session.done());
  CHECK(one.session.take_unanswered().size() == 1);
}

TEST_CASE("client: an answer cut off is the peer's mistake", "[calc][unit]") {
  caller one;
  one.ask(1, {7}, "MAX").hear(octets("00000001 0000"));
  one.session.eof(start);
  CHECK(one.told() == texts{"1 the connection ended after 6 of 8 octets of the answer"});
}

TEST_CASE("client: a full server's words end it as something to try later", "[calc][unit]") {
  caller one;
  one.ask(1, {1}).hear("error: too many clients, 2 at once; try again later\r\n");
  CHECK(one.told() == texts{"1 the server says: error: too many clients, 2 at once; try again later"});
}

TEST_CASE("client and server: any request is answered with its exact result, however the network cuts",
          "[calc][unit]") {
  for (const byte_order order : {byte_order::big, byte_order::little})
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
      std::minstd_rand random(seed);
      nobody observer;
      session server({.order = order, .idle_timeout = 5min}, observer, start);
      caller one(order);
      texts due;
      for (std::uint64_t tag = 0; tag < 100; ++tag) {
        const auto op = static_cast<operation>(random() % 4);
        std::vector<std::int32_t> numbers(1 + random() % 255);
        for (std::int32_t& each : numbers)
          each = op == operation::product ? static_cast<std::int32_t>(random() % 3) - 1
                                          : static_cast<std::int32_t>(random() % 2'000'001) - 1'000'000;
        due.push_back(std::to_string(tag) + " " + std::to_string(evaluate(op, numbers).value()));
        one.ask(tag, numbers, std::string(name_of(op)));
      }
      one.session.close();
      pair both(one.session, server, start, seed, 1 + seed * seed);
      CHECK(both.run());
      CHECK(one.told() == due);
      CHECK(one.session.done());
      CHECK(server.done());
    }
}

TEST_CASE("client and server: of the other byte order, the diagnosis says so or why there is silence", "[calc][unit]") {
  for (const std::vector<std::int32_t>& numbers : {std::vector<std::int32_t>{3, 4}, {100, 1}}) {
    nobody observer;
    session server({.order = byte_order::little, .idle_timeout = 5min}, observer, start);
    caller one(byte_order::big);
    one.ask(1, numbers, "MAX").ask(2, {2, 3}, "PRO");
    one.session.close();
    pair both(one.session, server, start);
    CHECK(both.run());
    // MAX is answered: swapping the octets keeps the order of these numbers. PRO of the swapped numbers overflows.
    REQUIRE(one.told().size() == 1);
    CHECK(one.told()[0] == "1 " + std::to_string(numbers[numbers[0] > numbers[1] ? 0 : 1]));
    CHECK(one.session.take_unanswered().size() == 1);
  }
}

}  // namespace netlab::calc::client_test
