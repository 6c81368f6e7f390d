// SPDX-License-Identifier: MIT
#include "calc/datagram_client.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cerrno>

#include "support/failure.hpp"
#include "support/octets.hpp"
#include "support/start.hpp"

namespace netlab::calc::datagram_client_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

struct caller {
  explicit caller(unsigned retries = 2) : session(byte_order::big, 6s, retries) {}

  caller& ask(std::uint32_t id, std::vector<std::int32_t> numbers, time_point now = start) {
    session.submit(id, {.id = id, .op = "SUM", .numbers = std::move(numbers)}, now);
    return *this;
  }
  caller& hear(std::string_view notation, time_point now = start) {
    const std::string datagram = octets(notation);
    session.receive(as_bytes(datagram), now);
    return *this;
  }

  /// All outcomes so far.
  const texts& told() {
    for (const outcome& one : session.take_outcomes())
      outcomes.push_back(std::to_string(one.tag) + " " + (one.value ? std::to_string(*one.value) : why(one.value)));
    return outcomes;
  }

  datagram_client session;
  texts outcomes;
};

}  // namespace

TEST_CASE("datagram_client: a request is one datagram", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).ask(2, {});
  const auto out = one.session.take_output();
  REQUIRE(out.size() == 2);
  CHECK(hex(out[0]) == hex(octets("00000001 'SUM' 01 00000005")));
  CHECK(hex(out[1]) == hex(octets("00000002 'SUM' 00")));
  CHECK(one.session.take_output().empty());
}

TEST_CASE("datagram_client: answers may come in any order", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).ask(2, {6}).hear("00000002 00000006").hear("00000001 00000005");
  CHECK(one.told() == texts{"2 6", "1 5"});
  CHECK(one.session.outstanding() == 0);
  CHECK_FALSE(one.session.deadline());
}

TEST_CASE("datagram_client: a second copy of an answer is ignored", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).ask(2, {6}).hear("00000001 00000005").hear("00000001 00000005");
  CHECK(one.told() == texts{"1 5"});
  CHECK(one.session.outstanding() == 1);
}

TEST_CASE("datagram_client: an ID that nobody used is laid to the request that has waited longest", "[calc][unit]") {
  caller one;
  one.ask(2, {6}, start).ask(1, {5}, start + 1s).hear("00000063 00000006", start + 2s);
  CHECK(one.told() == texts{"2 the answer has ID 99, the request had 2"});
}

TEST_CASE("datagram_client: a reply of another length is wrong", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).hear("");
  CHECK(one.told() == texts{"1 the answer has 0 octets, not 8"});
  one.ask(2, {5}).hear("00000002 00000005 00");
  CHECK(one.told().back() == "2 the answer has 9 octets, not 8");
  one.ask(3, {5}).hear("00000003 'SUM' 01 00000005");
  CHECK(one.told().back() == "3 the request came back unchanged: this is an echo service, not a calculation server");
}

TEST_CASE("datagram_client: what comes when nothing is outstanding is ignored", "[calc][unit]") {
  caller one;
  one.hear("00000001 00000005").hear("");
  CHECK(one.told().empty());
}

TEST_CASE("datagram_client: a request is sent again, evenly within its time, then given up", "[calc][unit]") {
  caller one;
  one.ask(1, {5});
  CHECK(one.session.take_output().size() == 1);
  CHECK(one.session.deadline() == start + 2s);
  one.session.tick(start + 1999ms);
  CHECK(one.session.take_output().empty());
  one.session.tick(start + 2s);
  CHECK(one.session.take_output().size() == 1);
  CHECK(one.session.deadline() == start + 4s);
  one.session.tick(start + 4s);
  CHECK(one.session.take_output().size() == 1);
  CHECK(one.session.deadline() == start + 6s);
  one.session.tick(start + 5s);
  CHECK(one.session.take_output().empty());
  CHECK(one.told().empty());
  one.session.tick(start + 6s);
  CHECK(one.session.take_output().empty());
  CHECK(one.told() == texts{"1 no answer within 6 s to 3 datagrams"});
}

TEST_CASE("datagram_client: no retries means one datagram", "[calc][unit]") {
  caller one(0);
  one.ask(1, {5});
  CHECK(one.session.take_output().size() == 1);
  CHECK(one.session.deadline() == start + 6s);
  one.session.tick(start + 6s);
  CHECK(one.session.take_output().empty());
  CHECK(one.told() == texts{"1 no answer within 6 s to 1 datagram"});
}

TEST_CASE("datagram_client: an answer to the second copy is an answer", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).session.tick(start + 2s);
  one.hear("00000001 00000005", start + 3s);
  CHECK(one.told() == texts{"1 5"});
}

TEST_CASE("datagram_client: an error of the system ends everything that is outstanding", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).ask(2, {6});
  one.session.fail_all({{ECONNREFUSED, std::system_category()}, {}, {}, {}}, start);
  CHECK(one.told() == texts{"1 connection refused", "2 connection refused"});
  CHECK(one.session.outstanding() == 0);
}

TEST_CASE("datagram_client: an unreachable host ends a request only behind its last retry", "[calc][unit]") {
  caller one(1);
  const netlab::failure no_route{{EHOSTUNREACH, std::system_category()}, {}, {}, {}};
  one.ask(1, {5});
  one.session.unreachable(no_route, start + 1s);
  CHECK(one.told().empty());
  one.session.tick(start + 3s);
  SECTION("which is answered") {
    one.hear("00000001 00000005", start + 4s);
    CHECK(one.told() == texts{"1 5"});
  }
  SECTION("which finds it unreachable too") {
    one.session.unreachable(no_route, start + 4s);
    CHECK(one.told() == texts{"1 no route to host"});
  }
  SECTION("of which nothing is heard") {
    one.session.tick(start + 6s);
    CHECK(one.told() == texts{"1 no route to host"});
  }
}

TEST_CASE("datagram_client: an answer shows that the host can be reached again", "[calc][unit]") {
  caller one(1);
  one.ask(1, {5}).ask(2, {6});
  one.session.unreachable({{EHOSTUNREACH, std::system_category()}, {}, {}, {}}, start + 1s);
  one.hear("00000001 00000005", start + 2s);
  one.session.tick(start + 6s);
  CHECK(one.told() == texts{"1 5", "2 no answer within 6 s to 1 datagram"});
}

TEST_CASE("datagram_client: late copies are known for thousands of requests, also where IDs begin again at 0",
          "[calc][unit]") {
  caller one;
  std::uint32_t id = 0U - 5000;
  for (int count = 0; count < 5100; ++count, ++id) {
    one.ask(id, {1});
    bytes reply;
    append_answer(reply, {.id = id, .value = 1}, byte_order::big);
    one.session.receive(reply, start);
  }
  REQUIRE(one.told().size() == 5100);
  one.ask(id, {1});
  bytes late;
  append_answer(late, {.id = id - 1, .value = 1}, byte_order::big);
  one.session.receive(late, start);
  CHECK(one.told().size() == 5100);
}

TEST_CASE("datagram_client: an ID may be used again when it is free", "[calc][unit]") {
  caller one;
  one.ask(1, {5}).hear("00000001 00000005").ask(1, {6}).hear("00000001 00000006");
  CHECK(one.told() == texts{"1 5", "1 6"});
}

}  // namespace netlab::calc::datagram_client_test
