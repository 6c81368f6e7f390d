// SPDX-License-Identifier: MIT
// The simple services over real sockets.
#include "simple/io/serve.hpp"

#include <catch2/catch_test_macros.hpp>

#include "simple/chargen.hpp"
#include "support/serving.hpp"
#include "support/socket.hpp"

namespace netlab::simple::serve_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr simple::wall_time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 12h;

struct serving_one {
  explicit serving_one(const simple::service& which, simple::server_parameters parameters = {},
                       serve::listen_options where = both())
      : server(which, at_noon(std::move(parameters)), std::ref(log)),
        serving(server, server.limits(), std::move(where)) {}
  static serve::listen_options both() { return {.tcp = true, .udp = true}; }
  static simple::server_parameters at_noon(simple::server_parameters parameters) {
    parameters.wall_clock = [] { return noon; };
    return parameters;
  }
  [[nodiscard]] std::uint16_t port() const { return serving.port(); }

  log_lines log;
  simple::server server;
  running serving;
};

const std::string noon_line = "Sunday, November 22, 2026 12:00:00-UTC\r\n";

std::string turns(std::size_t octets) {
  const std::string_view pattern = simple::chargen_pattern();
  std::string all;
  while (all.size() < octets) all += pattern;
  all.resize(octets);
  return all;
}

}  // namespace

TEST_CASE("simple serve: daytime and time say one thing to whoever connects, and end in order", "[simple][loop]") {
  serving_one daytime(simple::daytime);
  CHECK(peer::tcp(daytime.port()).receive_all() == noon_line);
  serving_one time(simple::time);
  CHECK(peer::tcp(time.port()).receive_all() == as_text(simple::time_octets(noon)));
  CHECK(time.server.totals().connections == 1);
}

TEST_CASE("simple serve: one who talks first still hears the daytime, and no reset", "[simple][loop]") {
  serving_one here(simple::daytime);
  for (int round = 0; round < 20; ++round) {
    peer one = peer::tcp(here.port());
    one.send(std::string(100'000, 'x'));
    CHECK(one.receive_all() == noon_line);
  }
}

TEST_CASE("simple serve: daytime and time answer a datagram, the empty one too", "[simple][loop]") {
  serving_one daytime(simple::daytime);
  peer one = peer::udp(daytime.port());
  for (const std::string& words : {std::string(), std::string("what time is it?"), std::string(2000, 'x')}) {
    one.send(words);
    CHECK(one.receive_some() == noon_line);
  }
  serving_one time(simple::time);
  peer other = peer::udp(time.port());
  other.send("");
  CHECK(other.receive_some() == as_text(simple::time_octets(noon)));
  CHECK(becomes_true([&] { return daytime.server.totals().datagrams == 3; }));
  CHECK(daytime.server.totals().octets == 3 * noon_line.size());
}

TEST_CASE("simple serve: who asks too often by datagram gets a bounded number of answers", "[simple][loop]") {
  serving_one here(simple::daytime);
  peer greedy = peer::udp(here.port());
  constexpr std::uint64_t asked = 2000;
  for (std::uint64_t count = 0; count < asked; ++count) {
    greedy.send("");
    // Do not send faster than the service reads, so that nothing is lost.
    if (count % 100 == 99)
      REQUIRE(becomes_true([&] {
        const simple::server_totals totals = here.server.totals();
        return totals.datagrams + totals.ignored == count + 1;
      }));
  }
  CHECK(here.server.totals().datagrams >= 50);
  CHECK(here.server.totals().ignored >= asked / 4);  // 20 a second and a burst, however slow the machine is
  CHECK(here.log.all().size() < 1000);
}

TEST_CASE("simple serve: discard takes everything and says nothing", "[simple][loop]") {
  serving_one here(simple::discard);
  peer one = peer::tcp(here.port());
  one.send(std::string(4 * 1024 * 1024, 'x'));
  one.end_output();
  CHECK(one.receive_all().empty());
  CHECK(becomes_true([&] { return here.server.totals().octets == 4 * 1024 * 1024; }));
  peer by_datagram = peer::udp(here.port());
  by_datagram.send("");
  by_datagram.send(std::string(50'000, 'x'));
  CHECK(becomes_true([&] { return here.server.totals().datagrams == 2; }));
  CHECK(here.server.totals().octets == 4 * 1024 * 1024 + 50'000);
  CHECK_FALSE(by_datagram.hears_within(0));
}

TEST_CASE("simple serve: discard lets an idle peer go", "[simple][loop]") {
  serving_one here(simple::discard, {.idle_timeout = 50ms});
  peer one = peer::tcp(here.port());
  one.send("x");
  CHECK(one.receive_all().empty());
}

TEST_CASE("simple serve: chargen goes on and on, every octet in its place", "[simple][loop]") {
  serving_one here(simple::chargen);
  peer one = peer::tcp(here.port());
  const std::size_t wanted = 10'000'019;
  CHECK((one.receive(wanted) == turns(wanted)));
}

TEST_CASE("simple serve: chargen goes on for one who has ended his own output, or who talks", "[simple][loop]") {
  serving_one here(simple::chargen);
  peer quiet = peer::tcp(here.port());
  quiet.end_output();
  CHECK((quiet.receive(1'000'000) == turns(1'000'000)));
  peer talker = peer::tcp(here.port());
  for (int round = 0; round < 100; ++round) {
    talker.send("more!");
    CHECK(talker.receive(10'000).size() == 10'000);
  }
}

TEST_CASE("simple serve: chargen's visitor leaves, and that is no error", "[simple][loop]") {
  serving_one here(simple::chargen, {.detail = serve::log_detail::visits});
  {
    peer one = peer::tcp(here.port());
    CHECK(one.receive(100).size() == 100);
  }
  peer other = peer::tcp(here.port());
  CHECK(other.receive(1).size() == 1);  // a peer that has gone before accept() would not be logged
  other.reset();
  CHECK(becomes_true([&] { return here.log.all().size() == 2; }));
  for (const std::string& line : here.log.all()) CHECK(line.find(" closed after ") != std::string::npos);
}

TEST_CASE("simple serve: chargen answers no datagram", "[simple][loop]") {
  serving_one here(simple::chargen);
  bytes reply;
  CHECK_FALSE(here.server.answer({.octets = {}, .length = 1, .peer = {}, .local_port = 19, .arrived = {}}, reply));
  CHECK(reply.empty());
}

TEST_CASE("simple serve: hundreds of readers of chargen are served by turns", "[simple][loop]") {
  serving_one here(simple::chargen, {}, {.tcp = true, .udp = false});
  std::vector<peer> all;
  for (int count = 0; count < 300; ++count) all.push_back(peer::tcp(here.port()));
  for (int round = 0; round < 3; ++round)
    for (peer& each : all) CHECK(each.receive(20'000).size() == 20'000);
}

TEST_CASE("simple serve: one who never reads chargen is let go some idle times later", "[simple][loop]") {
  serving_one here(simple::chargen, {.idle_timeout = 100ms});
  peer one = peer::tcp(here.port());
  CHECK(becomes_true([&] { return here.serving.service().clients() == 0; }));
}

TEST_CASE("simple serve: one too many is closed, and counted", "[simple][loop]") {
  serving_one here(simple::discard, {.max_clients = 1});
  peer first = peer::tcp(here.port());
  REQUIRE(becomes_true([&] { return here.serving.service().clients() == 1; }));
  CHECK(peer::tcp(here.port()).receive_all().empty());
  CHECK(here.server.totals().turned_away == 1);
}

TEST_CASE("simple serve: a stop ends every visit in order", "[simple][loop]") {
  serving_one discard(simple::discard);
  peer one = peer::tcp(discard.port());
  const auto drained = discard.serving.stop();
  CHECK(one.receive_all().empty());
  one = peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(is_ready(drained));

  serving_one chargen(simple::chargen);
  peer reader = peer::tcp(chargen.port());
  CHECK(reader.receive(100).size() == 100);
  const auto also_drained = chargen.serving.stop();
  const std::string rest = reader.receive_all();  // would throw on a reset
  CHECK(rest.size() % simple::chargen_pattern().size() == simple::chargen_pattern().size() - 100);
  reader = peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(is_ready(also_drained));
}

}  // namespace netlab::simple::serve_test
