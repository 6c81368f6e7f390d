// SPDX-License-Identifier: MIT
// The small services over real sockets.
#include "small/io/serve.hpp"

#include <catch2/catch_test_macros.hpp>

#include "small/chargen.hpp"
#include "support/serving.hpp"
#include "support/socket.hpp"

using namespace netlab;
using namespace netlab::test;
using namespace std::chrono_literals;
using small::kind;

namespace {

constexpr small::wall_time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 12h;

struct serving_one {
  explicit serving_one(kind which, small::server_parameters parameters = {}, serve::listen_options where = both())
      : server(which, at_noon(std::move(parameters)), std::ref(log)),
        serving(server, server.limits(), std::move(where)) {}
  static serve::listen_options both() { return {.tcp = true, .udp = true}; }
  static small::server_parameters at_noon(small::server_parameters parameters) {
    parameters.wall_clock = [] { return noon; };
    return parameters;
  }
  [[nodiscard]] std::uint16_t port() const { return serving.port(); }

  log_lines log;
  small::server server;
  running serving;
};

const std::string noon_line = "Sunday, November 22, 2026 12:00:00-UTC\r\n";

std::string turns(std::size_t octets) {
  const std::string_view pattern = small::chargen_pattern();
  std::string all;
  while (all.size() < octets) all += pattern;
  all.resize(octets);
  return all;
}

}  // namespace

TEST_CASE("small serve: daytime and time say one thing to whoever connects, and end in order", "[small][loop]") {
  serving_one daytime(kind::daytime);
  CHECK(peer::tcp(daytime.port()).receive_all() == noon_line);
  serving_one time(kind::time);
  CHECK(peer::tcp(time.port()).receive_all() == as_text(small::time_octets(noon)));
  CHECK(time.server.totals().connections == 1);
}

TEST_CASE("small serve: one who talks first still hears the daytime, and no reset", "[small][loop]") {
  serving_one here(kind::daytime);
  for (int round = 0; round < 20; ++round) {
    peer one = peer::tcp(here.port());
    one.send(std::string(100'000, 'x'));
    CHECK(one.receive_all() == noon_line);
  }
}

TEST_CASE("small serve: daytime and time answer a datagram, the empty one too", "[small][loop]") {
  serving_one daytime(kind::daytime);
  peer one = peer::udp(daytime.port());
  for (const std::string& words : {std::string(), std::string("what time is it?"), std::string(2000, 'x')}) {
    one.send(words);
    CHECK(one.receive_some() == noon_line);
  }
  serving_one time(kind::time);
  peer other = peer::udp(time.port());
  other.send("");
  CHECK(other.receive_some() == as_text(small::time_octets(noon)));
  CHECK(becomes_true([&] { return daytime.server.totals().datagrams == 3; }));
  CHECK(daytime.server.totals().octets == 3 * noon_line.size());
}

TEST_CASE("small serve: who asks too often by datagram gets a bounded number of answers", "[small][loop]") {
  serving_one here(kind::daytime);
  peer greedy = peer::udp(here.port());
  constexpr std::uint64_t asked = 2000;
  for (std::uint64_t count = 0; count < asked; ++count) {
    greedy.send("");
    // Do not send faster than the service reads, so that nothing is lost.
    if (count % 100 == 99)
      REQUIRE(becomes_true([&] {
        const small::server_totals totals = here.server.totals();
        return totals.datagrams + totals.ignored == count + 1;
      }));
  }
  CHECK(here.server.totals().datagrams >= 50);
  CHECK(here.server.totals().ignored >= asked / 4);  // 20 a second and a burst, however slow the machine is
  CHECK(here.log.all().size() < 1000);
}

TEST_CASE("small serve: discard takes everything and says nothing", "[small][loop]") {
  serving_one here(kind::discard);
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

TEST_CASE("small serve: discard lets an idle peer go", "[small][loop]") {
  serving_one here(kind::discard, {.idle_timeout = 50ms});
  peer one = peer::tcp(here.port());
  one.send("x");
  CHECK(one.receive_all().empty());
}

TEST_CASE("small serve: chargen goes on and on, every octet in its place", "[small][loop]") {
  serving_one here(kind::chargen);
  peer one = peer::tcp(here.port());
  const std::size_t wanted = 10'000'019;
  CHECK((one.receive(wanted) == turns(wanted)));
}

TEST_CASE("small serve: chargen goes on for one who has ended his own output, or who talks", "[small][loop]") {
  serving_one here(kind::chargen);
  peer quiet = peer::tcp(here.port());
  quiet.end_output();
  CHECK((quiet.receive(1'000'000) == turns(1'000'000)));
  peer talker = peer::tcp(here.port());
  for (int round = 0; round < 100; ++round) {
    talker.send("more!");
    CHECK(talker.receive(10'000).size() == 10'000);
  }
}

TEST_CASE("small serve: chargen's visitor leaves, and that is no error", "[small][loop]") {
  serving_one here(kind::chargen, {.detail = serve::log_detail::visits});
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

TEST_CASE("small serve: chargen answers no datagram", "[small][loop]") {
  serving_one here(kind::chargen);
  bytes reply;
  CHECK_FALSE(here.server.answer({.octets = {}, .length = 1, .peer = {}, .local_port = 19, .arrived = {}}, reply));
  CHECK(reply.empty());
}

TEST_CASE("small serve: hundreds of readers of chargen are served by turns", "[small][loop]") {
  serving_one here(kind::chargen, {}, {.tcp = true, .udp = false});
  std::vector<peer> all;
  for (int count = 0; count < 300; ++count) all.push_back(peer::tcp(here.port()));
  for (int round = 0; round < 3; ++round)
    for (peer& each : all) CHECK(each.receive(20'000).size() == 20'000);
}

TEST_CASE("small serve: one who never reads chargen is let go some idle times later", "[small][loop]") {
  serving_one here(kind::chargen, {.idle_timeout = 100ms});
  peer one = peer::tcp(here.port());
  CHECK(becomes_true([&] { return here.serving.service().clients() == 0; }));
}

TEST_CASE("small serve: one too many is closed, and counted", "[small][loop]") {
  serving_one here(kind::discard, {.max_clients = 1});
  peer first = peer::tcp(here.port());
  REQUIRE(becomes_true([&] { return here.serving.service().clients() == 1; }));
  CHECK(peer::tcp(here.port()).receive_all().empty());
  CHECK(here.server.totals().turned_away == 1);
}

TEST_CASE("small serve: a stop ends every visit in order", "[small][loop]") {
  serving_one discard(kind::discard);
  peer one = peer::tcp(discard.port());
  const auto drained = discard.serving.stop();
  CHECK(one.receive_all().empty());
  one = peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(is_ready(drained));

  serving_one chargen(kind::chargen);
  peer reader = peer::tcp(chargen.port());
  CHECK(reader.receive(100).size() == 100);
  const auto also_drained = chargen.serving.stop();
  const std::string rest = reader.receive_all();  // would throw on a reset
  CHECK(rest.size() % small::chargen_pattern().size() == small::chargen_pattern().size() - 100);
  reader = peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(is_ready(also_drained));
}
