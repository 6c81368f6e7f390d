// SPDX-License-Identifier: MIT
#include "serve/visitor_log.hpp"

#include <catch2/catch_test_macros.hpp>

#include <thread>
#include <vector>

namespace netlab::serve::visitor_log_test {

using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

struct kept {
  texts lines;
  serve::visitor_log::line_function write() {
    return [this](const std::string& line) { lines.push_back(line); };
  }
};

net::tcp::endpoint peer(std::uint16_t port) { return {asio::ip::make_address("127.0.0.1"), port}; }

serve::datagram at(time_point when) {
  return {.octets = {}, .length = 3, .peer = {asio::ip::make_address("::1"), 4000}, .local_port = 7, .arrived = when};
}

const net::tcp::endpoint local = peer(7);

}  // namespace

TEST_CASE("visitor log: refusals alone, unless more is wanted", "[serve][unit]") {
  kept log;
  serve::visitor_log one(log.write());
  one.arrived(peer(1), local);
  one.left(peer(1), {}, "3 octets", clock::now());
  one.visited(at(clock::now()), [] { return "3 octets"; });
  CHECK(log.lines.empty());
  one.refused(net::transport::tcp, "127.0.0.1:1", "too short");
  one.refused(at(clock::now()), [] { return "too long"; });
  one.turned_away(peer(2), {.most = 1, .is_per_address = false});
  one.trouble("accept: no descriptors");
  CHECK(log.lines == texts{"tcp 127.0.0.1:1 refused: too short", "udp [::1]:4000 refused: too long",
                           "tcp 127.0.0.1:2 turned away: 1 client connected (--max-clients)",
                           "accept: no descriptors"});
  const serve::visitor_totals totals = one.totals();
  CHECK(totals.connections == 1);
  CHECK(totals.refused == 2);
  CHECK(totals.turned_away == 1);
}

TEST_CASE("visitor log: says beforehand which lines it writes", "[serve][unit]") {
  for (const log_detail detail : {log_detail::refusals, log_detail::visits, log_detail::connections}) {
    kept log;
    serve::visitor_log one(log.write(), detail);
    one.arrived(peer(1), local);
    CHECK(one.tells_connections() == !log.lines.empty());
    log.lines.clear();
    one.visited(at(clock::now()), [] { return "3 octets"; });
    CHECK(one.tells_visits() == !log.lines.empty());
  }
}

TEST_CASE("visitor log: a line for each visit, with the service's name", "[serve][unit]") {
  kept log;
  serve::visitor_log one(log.write(), log_detail::visits, "echo");
  one.arrived(peer(1), local);
  CHECK(log.lines.empty());
  one.left(peer(1), {}, "3 octets", clock::now() - 2s);
  one.left(peer(2), fail(std::make_error_code(std::errc::connection_reset), {}), "0 octets", clock::now());
  one.visited(at(clock::now()), [] { return "3 octets"; });
  REQUIRE(log.lines.size() == 3);
  CHECK(log.lines[0].starts_with("echo tcp 127.0.0.1:1 closed after 3 octets, 2"));
  CHECK(log.lines[1].starts_with("echo tcp 127.0.0.1:2 connection reset"));
  CHECK(log.lines[2] == "echo udp [::1]:4000: 3 octets");
}

TEST_CASE("visitor log: each connection twice, however many there are", "[serve][unit]") {
  kept log;
  serve::visitor_log one(log.write(), log_detail::connections);
  for (std::uint16_t count = 1; count <= 500; ++count) {
    one.arrived(peer(count), local);
    one.left(peer(count), {}, "1 answer", clock::now());
  }
  REQUIRE(log.lines.size() == 1000);
  CHECK(log.lines[0] == "tcp 127.0.0.1:1 connected to 127.0.0.1:7");
}

TEST_CASE("visitor log: a flood is cut, and its end says how much was not shown", "[serve][unit]") {
  kept log;
  serve::visitor_log one(log.write(), log_detail::visits, "time");
  const time_point start = clock::now() + 1h;
  int made = 0;
  const auto account = [&] {
    ++made;
    return "4 octets";
  };
  for (int count = 0; count < 1000; ++count) one.visited(at(start), account);
  CHECK(made == 20);
  CHECK(log.lines.size() == 20);
  one.visited(at(start + 1s), account);
  REQUIRE(log.lines.size() == 22);
  CHECK(log.lines[20] == "time (980 lines not shown)");
  CHECK(log.lines[21] == "time udp [::1]:4000: 4 octets");
  for (int count = 0; count < 10; ++count) one.visited(at(start + 1s), account);
  log.lines.clear();
  one.finish();
  CHECK(log.lines == texts{"time (1 line not shown)"});
  one.finish();
  CHECK(log.lines.size() == 1);
}

TEST_CASE("visitor log: many threads lose no line and no count", "[serve][unit]") {
  kept log;  // needs no lock of its own: one call at a time
  serve::visitor_log one(log.write(), log_detail::connections);
  std::vector<std::thread> all;
  for (int thread = 0; thread < 4; ++thread)
    all.emplace_back([&] {
      for (int count = 0; count < 250; ++count) one.arrived(peer(1), local);
      for (int count = 0; count < 250; ++count) one.refused(at(clock::now()), [] { return "no"; });
    });
  for (std::thread& each : all) each.join();
  one.finish();
  CHECK(one.totals().connections == 1000);
  CHECK(one.totals().refused == 1000);
  std::size_t shown = 0;
  std::size_t unshown = 0;
  for (const std::string& line : log.lines) {
    if (line.starts_with('('))
      unshown += std::stoul(line.substr(1));
    else if (line.find("refused") != std::string::npos)
      ++shown;
  }
  CHECK(shown + unshown == 1000);
  CHECK(log.lines.size() > 1000);
}

}  // namespace netlab::serve::visitor_log_test
