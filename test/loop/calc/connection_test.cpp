// SPDX-License-Identifier: MIT
// The calculation server in bad company: slow, greedy, broken and hostile peers, floods, and a shutdown under load.
#include "calc/io/connection.hpp"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <linux/sockios.h>

#include <atomic>
#include <cstdlib>
#include <list>
#include <random>
#include <thread>

#include "calc/evaluate.hpp"
#include "support/calc.hpp"

namespace netlab::calc::connection_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

/// A valid request with its answer.
struct exchange {
  std::string request;
  std::string answer;
};
exchange random_exchange(std::minstd_rand& random) {
  for (;;) {
    calc::request made{.id = static_cast<std::uint32_t>(random()),
                       .op = std::string(calc::name_of(static_cast<calc::operation>(random() % 4))),
                       .numbers = std::vector<std::int32_t>(random() % 6)};
    for (std::int32_t& number : made.numbers) number = static_cast<std::int32_t>(random() % 64) - 32;
    const auto value = calc::evaluate(made);
    if (!value) continue;
    bytes request;
    bytes answer;
    calc::append_request(request, made, byte_order::big);
    calc::append_answer(answer, {.id = made.id, .value = *value}, byte_order::big);
    return {std::string(as_text(request)), std::string(as_text(answer))};
  }
}

std::string random_octets_of(std::size_t size, std::minstd_rand& random) {
  std::string made(size, '\0');
  for (char& each : made) each = static_cast<char>(random() >> 8);
  return made;
}

/// Sends all that the socket takes, until it has been blocked for a second.
std::size_t send_until_blocked(peer& to, const std::string& requests) {
  std::size_t sent = 0;
  while (test::is_ready(to.fd(), POLLOUT, 1000)) {
    const ssize_t size = ::send(to.fd(), requests.data() + sent % requests.size(),
                                requests.size() - sent % requests.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size <= 0) break;
    sent += static_cast<std::size_t>(size);
  }
  return sent;
}

/// How much more there is to do than in a usual run of the suite: NETLAB_STORM=100 is 10^6 datagrams and 10^5
/// connections.
std::size_t storm() {
  const char* text = std::getenv("NETLAB_STORM");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : 1;
}

}  // namespace

TEST_CASE("calc serve: a peer that never reads is let go when it has taken no answer for the idle timeout",
          "[calc][loop]") {
  calculator here({.session = {.order = byte_order::big, .idle_timeout = 500ms}});
  peer greedy = peer::tcp(here.port());
  send_until_blocked(greedy, repeat(octets("00000001 'SUM' 00"), 8192));
  CHECK(becomes_true([&] { return here.serving.service().clients() == 0; }));
}

TEST_CASE("calc serve: an octet now and then does not prolong a connection", "[calc][loop]") {
  calculator here({.session = {.order = byte_order::big, .idle_timeout = 300ms}});
  peer slow = peer::tcp(here.port());
  const std::string request = octets("00000001 'SUM' ff") + std::string(4 * 255, '\0');
  std::size_t sent = 0;
  // The whole request would take half a minute.
  while (sent < request.size() && !slow.hears_within(30)) slow.send(request.substr(sent++, 1));
  CHECK(sent < request.size());
  CHECK(slow.receive_all().empty());
  CHECK(here.server.totals().refused == 1);
}

TEST_CASE("calc serve: a child process that still has a copy of a socket does no harm", "[calc][loop]") {
  calculator here({}, {.tcp = true, .udp = true}, 1);
  peer one = peer::tcp(here.port());
  CHECK(answers_sum(one));
  int release[2] = {};
  REQUIRE(::pipe(release) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    // Only what is allowed in a process that had several threads.
    char octet = 0;
    ::close(release[1]);
    ::_exit(static_cast<int>(::read(release[0], &octet, 1)));
  }
  ::close(release[0]);
  one.end_output();
  CHECK(becomes_true([&] { return here.serving.service().clients() == 0; }));
  // The kernel reports events for the copy, if the server still watches it.
  one.reset();
  for (int count = 0; count < 20; ++count) {
    peer other = peer::tcp(here.port());
    CHECK(answers_sum(other));
  }
  ::close(release[1]);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
}

TEST_CASE("calc serve: a server that is run again closes the sockets of the first run, and counts both",
          "[calc][loop]") {
  log_lines log;
  calc::server server({}, std::ref(log));
  const char* const address = "127.151.0.1";
  std::uint16_t port = 0;
  for (int run = 0; run < 2; ++run) {
    // An address that no other process of this machine is likely to listen on.
    running serving(server, server.limits(), {.addresses = {asio::ip::make_address(address)}, .tcp = true, .udp = true},
                    2);
    // The system may choose the same port again.
    if (run == 1 && serving.port() != port) CHECK_THROWS_AS(peer::tcp(port, address), std::system_error);
    port = serving.port();
    peer one = peer::tcp(port, address);
    CHECK(answers_sum(one));
  }
  CHECK(server.totals().answered == 2);
  CHECK(server.totals().connections == 2);
}

TEST_CASE("calc serve: urgent data in the middle of a request do not hold its rest up", "[calc][loop]") {
  calculator here({}, {.tcp = true, .udp = true}, 1);
  peer one = peer::tcp(here.port());
  std::size_t right = 0;
  for (int count = 0; count < 200; ++count) {
    one.send(sum_request.substr(0, 5));
    REQUIRE(::send(one.fd(), "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1);  // out of band: no part of the request
    one.send(sum_request.substr(5));
    right += one.receive(sum_reply.size()) == sum_reply ? 1U : 0U;
  }
  CHECK(right == 200);
}

TEST_CASE("calc serve: requests beyond what one read takes are answered without anything after them", "[calc][loop]") {
  calculator here({}, {.tcp = true, .udp = true}, 1);
  constexpr std::size_t requests = 100'000;  // 1.6 MB; a read takes 128 KiB
  peer one = peer::tcp(here.port());
  std::thread sender([&] { one.send(repeat(sum_request, requests)); });
  const std::string got = one.receive(requests * sum_reply.size());
  sender.join();
  CHECK((got == repeat(sum_reply, requests)));
}

TEST_CASE("calc serve: an end that arrives with the last request is noticed", "[calc][loop]") {
  calculator here({}, {.tcp = true, .udp = true}, 1);
  std::size_t right = 0;
  for (int count = 0; count < 200; ++count) {
    peer one = peer::tcp(here.port());
    if (count % 2 == 0) CHECK(answers_sum(one));  // so that the request and the end come while it is watched already
    one.send(sum_request);
    one.end_output();
    right += one.receive_all() == sum_reply ? 1U : 0U;
  }
  CHECK(right == 200);
  CHECK(becomes_true([&] { return here.serving.service().clients() == 0; }));
}

TEST_CASE("calc serve: those who came and went leave nothing behind", "[calc][loop]") {
  calculator here;
  const std::size_t visits = 2'000 * storm();
  std::size_t right = 0;
  for (std::size_t count = 0; count < visits; ++count) {
    peer one = peer::tcp(here.port());
    if (count % 3 == 0) one.send(sum_request.substr(0, count % sum_request.size()));  // and away
    if (count % 3 == 0) continue;
    right += answers_sum(one) ? 1U : 0U;
    if (count % 3 == 1) one.reset();
  }
  CHECK(right == visits - (visits + 2) / 3);
  CHECK(becomes_true([&] { return here.serving.service().clients() == 0; }));
  CHECK(here.server.totals().answered == right);
  CHECK(is_ready(here.serving.stop()));
}

TEST_CASE("calc serve: a stop under full load answers every request that had arrived", "[calc][loop]") {
  struct load {
    explicit load(std::uint16_t port) : connection(peer::tcp(port)) {}
    peer connection;
    /// The requests that TCP has acknowledged, which are in the server's receive buffer at least.
    [[nodiscard]] std::size_t arrived() const {
      const std::size_t octets_sent = sent * sum_request.size();
      int unacknowledged = 0;
      ::ioctl(connection.fd(), SIOCOUTQ, &unacknowledged);
      return (octets_sent - std::min(octets_sent, static_cast<std::size_t>(unacknowledged))) / sum_request.size();
    }
    [[nodiscard]] std::size_t answered() const { return octets_received / sum_reply.size(); }

    std::atomic<std::size_t> sent{0};  // requests
    std::size_t octets_received = 0;
    std::thread thread;
  };
  for (int round = 0; round < 3; ++round) {
    calculator here;
    std::list<load> all;
    for (int count = 0; count < 8; ++count) all.emplace_back(here.port());
    const std::string burst = repeat(sum_request, 64);
    for (load& each : all)
      each.thread = std::thread([&each, &burst] {
        try {
          for (;;) {
            // At most 8 bursts ahead, which is less than the receive buffer takes.
            while (each.sent - each.answered() < 8 * 64) {
              each.connection.send(burst);
              each.sent += 64;
            }
            const std::string got = each.connection.receive_some();
            if (got.empty()) return;
            each.octets_received += got.size();
          }
        } catch (const std::exception&) {
          // The server has closed: what it sent before that is still there.
          while (test::is_ready(each.connection.fd(), POLLIN, 5000)) {
            char rest[4096];
            const ssize_t size = ::recv(each.connection.fd(), rest, sizeof rest, 0);
            if (size <= 0) return;
            each.octets_received += static_cast<std::size_t>(size);
          }
        }
      });
    CHECK(becomes_true([&] { return here.server.totals().answered > 20'000; }));
    std::vector<std::size_t> arrived;
    for (load& each : all) arrived.push_back(each.arrived());
    const auto drained = here.serving.stop();
    CHECK(is_ready(drained));
    auto before = arrived.begin();
    for (load& each : all) {
      each.thread.join();
      CHECK(each.answered() >= *before++);
    }
  }
}

TEST_CASE("calc serve: clients are answered while datagrams flood it", "[calc][loop]") {
  calculator here({}, {.tcp = true, .udp = true}, 1);
  std::atomic<bool> over{false};
  std::thread flood([&] {
    peer one = peer::udp(here.port());
    for (std::size_t count = 0; !over; ++count)
      static_cast<void>(::send(one.fd(), sum_request.data(), sum_request.size() - count % 2, MSG_DONTWAIT));
  });
  std::vector<peer> clients;
  for (int count = 0; count < 16; ++count) clients.push_back(peer::tcp(here.port()));
  std::size_t right = 0;
  for (int round = 0; round < 50; ++round)
    for (peer& each : clients) right += answers_sum(each) ? 1U : 0U;
  over = true;
  flood.join();
  CHECK(right == 50 * clients.size());
  CHECK(here.server.totals().refused > 0);
}

TEST_CASE("calc serve: valid datagrams among random ones get right answers, and nothing else is answered",
          "[calc][loop]") {
  calculator here;
  std::minstd_rand random(7);
  peer valid = peer::udp(here.port());
  peer noise = peer::udp(here.port());
  std::size_t right = 0;
  std::size_t asked = 0;
  for (std::size_t count = 0; count < 10'000 * storm(); ++count) {
    exchange one = random_exchange(random);
    std::string mutated = one.request;
    switch (random() % 3) {
      case 0: mutated = random_octets_of(random() % 64, random); break;
      case 1: mutated[4 + random() % 3] ^= static_cast<char>(1 + random() % 255); break;
      default: mutated.resize(random() % 2 == 0 ? mutated.size() - 1 : mutated.size() + 1); break;
    }
    static_cast<void>(::send(noise.fd(), mutated.data(), mutated.size(), MSG_DONTWAIT));
    if (count % 64 != 0) continue;  // which also keeps the socket's buffer from overflowing
    ++asked;
    valid.send(one.request);
    right += valid.receive_some() == one.answer ? 1U : 0U;
  }
  CHECK(right == asked);
  CHECK_FALSE(noise.hears_within(0));
  CHECK(here.server.totals().answered == asked);
}

TEST_CASE("calc serve: valid requests of random connections get right answers", "[calc][loop]") {
  calculator here;
  std::minstd_rand random(8);
  std::size_t right = 0;
  const std::size_t connections = 1'000 * storm();
  for (std::size_t count = 0; count < connections; ++count) {
    peer one = peer::tcp(here.port());
    std::string stream;
    std::string answers;
    for (std::size_t left = random() % 8; left > 0; --left) {
      const exchange each = random_exchange(random);
      stream += each.request;
      answers += each.answer;
    }
    // What follows is no operation, so it is not answered if the connection is binary.
    const bool is_binary = !stream.empty();
    stream += octets("00000000 00") + random_octets_of(random() % 200, random);
    std::string_view rest = stream;
    while (!rest.empty()) {
      const std::size_t size = 1 + random() % rest.size();
      try {
        one.send(rest.substr(0, size));
      } catch (const std::runtime_error&) {
        break;  // the server has closed already
      }
      rest.remove_prefix(size);
    }
    one.end_output();
    try {
      const std::string got = one.receive_all();
      right += !is_binary || got == answers ? 1U : 0U;
    } catch (const std::system_error&) {
      // A reset: no answer may be lost by it, so this is not right.
    }
  }
  CHECK(right == connections);
}

}  // namespace netlab::calc::connection_test
