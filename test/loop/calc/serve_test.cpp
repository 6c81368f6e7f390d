// SPDX-License-Identifier: MIT
// The calculation server over real sockets.
#include "calc/io/serve.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/calc.hpp"

namespace netlab::calc::serve_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

const std::string bad = octets("00000002 'DIV' 01 00000001");

}  // namespace

TEST_CASE("calc serve: answers over TCP and UDP on one port number, IPv4 and IPv6", "[calc][loop]") {
  calculator here;
  for (const char* address : {"127.0.0.1", "::1"}) {
    if (std::string(address) == "::1" && !has_ipv6()) continue;
    INFO(address);
    peer tcp = peer::tcp(here.port(), address);
    CHECK(answers_sum(tcp));
    peer udp = peer::udp(here.port(), address);
    CHECK(answers_sum(udp));
  }
}

TEST_CASE("calc serve: has no handler of sessions that could be watched in its place", "[calc][loop]") {
  log_lines log;
  calc::server server({}, std::ref(log));
  CHECK(server.sessions() == nullptr);
}

TEST_CASE("calc serve: a request one octet at a time, each in a segment", "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  for (const char each : sum_request) one.send({&each, 1});
  CHECK(hex(one.receive(8)) == hex(sum_reply));
}

TEST_CASE("calc serve: 1,000 requests in one write", "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  one.send(repeat(sum_request, 1000));
  CHECK((one.receive(8000) == repeat(sum_reply, 1000)));
}

TEST_CASE("calc serve: many clients at once", "[calc][loop]") {
  calculator here;
  std::vector<peer> all;
  for (int count = 0; count < 64; ++count) all.push_back(peer::tcp(here.port()));
  for (peer& each : all) each.send(repeat(sum_request, 10));
  for (peer& each : all) CHECK((each.receive(80) == repeat(sum_reply, 10)));
}

TEST_CASE("calc serve: a bad request ends the connection, and megabytes behind it destroy no answer", "[calc][loop]") {
  calculator here;
  for (int round = 0; round < 5; ++round) {
    peer one = peer::tcp(here.port());
    one.send(repeat(sum_request, 1000) + bad);
    one.send(std::string(4 * 1024 * 1024, 'x'));
    CHECK((one.receive_all() == repeat(sum_reply, 1000)));  // throws on a reset
  }
  CHECK(here.server.totals().refused == 5);
}

TEST_CASE("calc serve: a client that goes on sending behind a bad request is not waited for without end",
          "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  one.send(sum_request + bad);
  CHECK((one.receive_all() == sum_reply));
  const auto drained = here.serving.stop();  // the client has not closed
  CHECK(is_ready(drained));
}

TEST_CASE("calc serve: a client that has shut down its sending side gets every answer", "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  one.send(repeat(sum_request, 10'000));
  one.end_output();
  CHECK((one.receive_all() == repeat(sum_reply, 10'000)));
}

TEST_CASE("calc serve: half a request, then the end", "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  one.send(sum_request + sum_request.substr(0, 11));
  one.end_output();
  CHECK((one.receive_all() == sum_reply));
  CHECK(here.server.totals().refused == 1);
}

TEST_CASE("calc serve: a line of text, and Telnet before it", "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  one.send(octets("fffd03 'sum 1 2 3' 0d0a"));
  CHECK(hex(one.receive(6)) == hex(octets("fffc03 '6' 0d0a")));
  one.send("quit\r\n");
  CHECK(one.receive_all() == "bye\r\n");
}

TEST_CASE("calc serve: bad datagrams are dropped, counted and logged, and good ones answered", "[calc][loop]") {
  calculator here;
  peer one = peer::udp(here.port());
  one.send("");
  one.send("x");
  one.send(sum_request.substr(0, 15));
  one.send(sum_request + "x");
  one.send(std::string(65'507, 'x'));
  one.send(octets("00000001 'MIN' 00"));
  CHECK(answers_sum(one));
  CHECK(becomes_true([&] { return here.server.totals().refused == 6; }));
  CHECK(here.server.totals().answered == 1);
  const auto lines = here.log.all();
  REQUIRE(lines.size() == 6);
  CHECK(lines[0].ends_with("refused: a datagram of 0 octets: its length does not match its N"));
  CHECK(lines[4].ends_with("refused: a datagram of 65507 octets: its length does not match its N"));
  CHECK(lines[5].ends_with("refused: a datagram of 8 octets: at least one number is needed"));
}

TEST_CASE("calc serve: a datagram of exactly the longest request is answered, one octet more is not", "[calc][loop]") {
  calculator here;
  peer one = peer::udp(here.port());
  const std::string longest = octets("00000009 'SUM' ff") + std::string(4 * 255, '\0');
  one.send(longest + "x");
  one.send(longest);
  CHECK(hex(one.receive_some()) == hex(octets("00000009 00000000")));
  CHECK(here.server.totals().refused == 1);
}

TEST_CASE("calc serve: a wildcard UDP socket answers from the address that was asked", "[calc][loop]") {
  calculator here({}, {.addresses = serve::parse_bind("any").value(), .tcp = false, .udp = true});
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    INFO(address);
    peer one = peer::udp(here.port(), address);  // connected, so an answer from another address would not arrive
    CHECK(answers_sum(one));
  }
  if (has_ipv6()) {
    peer one = peer::udp(here.port(), "::1");
    CHECK(answers_sum(one));
  }
}

TEST_CASE("calc serve: beyond --max-clients one is turned away in words, the others go on", "[calc][loop]") {
  calculator here({.session = {}, .max_clients = 2});
  peer first = peer::tcp(here.port());
  CHECK(answers_sum(first));
  {
    peer second = peer::tcp(here.port());
    CHECK(answers_sum(second));
    peer third = peer::tcp(here.port());
    CHECK(third.receive_all() == "error: too many clients, 2 at once; try again later\r\n");
    CHECK(answers_sum(first));
    CHECK(answers_sum(second));
  }
  CHECK(becomes_true([&] { return here.serving.service().clients() == 1; }));
  peer again = peer::tcp(here.port());
  CHECK(answers_sum(again));
  CHECK(here.server.totals().turned_away == 1);
}

TEST_CASE("calc serve: one who is turned away while sending sees words and no reset", "[calc][loop]") {
  calculator here({.session = {}, .max_clients = 1});
  peer first = peer::tcp(here.port());
  CHECK(answers_sum(first));
  peer second = peer::tcp(here.port());
  second.send(repeat(sum_request, 10'000));
  CHECK(second.receive_all().starts_with("error: too many clients"));
}

TEST_CASE("calc serve: a peer that is silent for too long is let go", "[calc][loop]") {
  calculator here({.session = {.order = byte_order::big, .idle_timeout = 100ms}});
  peer silent = peer::tcp(here.port());
  peer half = peer::tcp(here.port());
  half.send(sum_request + sum_request.substr(0, 5));
  CHECK(silent.receive_all().empty());
  CHECK((half.receive_all() == sum_reply));
  CHECK(becomes_true([&] { return here.server.totals().refused == 1; }));
}

TEST_CASE("calc serve: a stop waits for a request that was begun", "[calc][loop]") {
  calculator here;
  std::optional<peer> one = peer::tcp(here.port());
  CHECK(answers_sum(*one));
  one->send(sum_request.substr(0, 9));
  const auto drained = here.serving.stop();
  one->send(sum_request.substr(9));
  CHECK((one->receive_all() == sum_reply));
  one.reset();
  CHECK(is_ready(drained));
}

TEST_CASE("calc serve: a stop answers what lies unread, of peers in the queue too", "[calc][loop]") {
  for (int round = 0; round < 10; ++round) {
    calculator here;
    std::vector<peer> all;
    for (int count = 0; count < 8; ++count) {
      all.push_back(peer::tcp(here.port()));
      all.back().send(repeat(sum_request, 500));
    }
    const auto drained = here.serving.stop();
    for (peer& each : all) {
      const std::string got = each.receive_all();
      INFO("round " << round << ", " << got.size() << " octets");
      CHECK((got == repeat(sum_reply, 500)));
    }
    all.clear();
    CHECK(is_ready(drained));
  }
}

TEST_CASE("calc serve: after a stop nobody is accepted", "[calc][loop]") {
  calculator here;
  CHECK(is_ready(here.serving.stop()));
  CHECK_THROWS_AS(peer::tcp(here.port()), std::system_error);
}

TEST_CASE("calc serve: a stop answers the datagrams that have arrived", "[calc][loop]") {
  calculator here;
  peer one = peer::udp(here.port());
  for (int count = 0; count < 100; ++count) one.send(sum_request);
  CHECK(is_ready(here.serving.stop()));
  for (int count = 0; count < 100; ++count) CHECK((one.receive_some() == sum_reply));
}

TEST_CASE("calc serve: an abort ends those who keep a stop waiting", "[calc][loop]") {
  calculator here;
  peer one = peer::tcp(here.port());
  CHECK(answers_sum(one));
  one.send(sum_request.substr(0, 9));
  // The server may not have read the half request yet; unread input also delays the shutdown.
  const auto drained = here.serving.stop();
  CHECK(drained.wait_for(100ms) == std::future_status::timeout);
  here.serving.service().abort();
  CHECK(is_ready(drained));
}

TEST_CASE("calc serve: a peer that never reads is held back, and costs bounded memory", "[calc][loop]") {
  calculator here;
  peer greedy = peer::tcp(here.port());
  const std::string requests = repeat(octets("00000001 'SUM' 00"), 8192);
  std::size_t sent = 0;
  // Fills the buffers of both sockets and of the server, a few megabytes. Then the connection is blocked.
  while (sent < 256U * 1024 * 1024 && test::is_ready(greedy.fd(), POLLOUT, 1000)) {
    const ssize_t size = ::send(greedy.fd(), requests.data() + sent % requests.size(),
                                requests.size() - sent % requests.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size > 0) sent += static_cast<std::size_t>(size);
  }
  CHECK(sent < 128U * 1024 * 1024);
  peer other = peer::tcp(here.port());
  CHECK(answers_sum(other));  // other clients are not held back
  greedy.end_output();
  CHECK(greedy.receive_all().size() == sent / 8 * 8);  // every answer arrives when the client reads
}

TEST_CASE("calc serve: a reset by a peer ends its session only", "[calc][loop]") {
  calculator here;
  peer stays = peer::tcp(here.port());
  CHECK(answers_sum(stays));
  for (int count = 0; count < 20; ++count) {
    peer goes = peer::tcp(here.port());
    goes.send(repeat(sum_request, 100));
    goes.reset();
  }
  CHECK(answers_sum(stays));
  CHECK(becomes_true([&] { return here.serving.service().clients() == 1; }));
}

TEST_CASE("calc serve: refusals are logged at a bounded rate", "[calc][loop]") {
  calculator here;
  peer one = peer::udp(here.port());
  for (int count = 0; count < 500; ++count) {
    one.send("x");
    if (count % 50 == 0) CHECK(answers_sum(one));  // do not send faster than the server reads
  }
  CHECK(becomes_true([&] { return here.server.totals().refused == 500; }));
  CHECK(here.log.all().size() < 100);
}

}  // namespace netlab::calc::serve_test
