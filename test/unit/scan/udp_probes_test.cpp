// SPDX-License-Identifier: MIT
#include "scan/udp_probes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <cerrno>
#include <set>

#include "packets.hpp"
#include "scan/packet_octets.hpp"
#include "scan/payloads.hpp"

namespace netlab::scan::udp_probes_test {

namespace {

using test::ip;

constexpr siphash_key key{1, 2};
constexpr std::uint16_t first_port = 2000;

bytes sent(udp_probes& by, const stateless_probe& probe) {
  std::array<std::byte, max_packet_size> room{};
  const std::size_t size = by.write(room, probe);
  return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::optional<probe_answer> answer_in(const udp_probes& by, bytes_view octets) {
  const auto packet = parse_ip_packet(octets);
  return packet ? by.read(*packet) : std::nullopt;
}

std::uint16_t own_port_of(const bytes& packet) { return load_16(packet, 20); }

}  // namespace

TEST_CASE("udp probes: a reply belongs to its probe and attempt", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, "hello");
  const auto [from, to] = GENERATE(std::pair{"192.0.2.1", "192.0.2.2"}, std::pair{"2001:db8::1", "2001:db8::2"});
  for (unsigned attempt = 1; attempt < 40; ++attempt) {
    const bytes packet = sent(probes, {.from = ip(from), .to = ip(to), .port = 7, .attempt = attempt});
    const bytes back = test::returned(packet);
    const auto answer = answer_in(probes, back);
    REQUIRE(answer);
    CHECK(answer->target == ip(to));
    CHECK(answer->port == 7);
    CHECK(answer->attempt == attempt % distinct_attempts);
    CHECK(answer->verdict.state == port_state::open);
    CHECK(answer->verdict.why == reason::reply);
    CHECK(as_text(answer->reply) == "hello");
    CHECK(answer->is_echo);
    CHECK_FALSE(answer->is_reply_cut);
  }
}

TEST_CASE("udp probes: nothing counts that comes from where no probe went", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, "hello");
  int taken = 0;
  constexpr unsigned tried = 4096;
  for (unsigned number = 0; number < tried; ++number) {
    const bytes packet =
        sent(probes, {.from = ip("192.0.2.1"), .to = address::v4(0x0a000000 + number), .port = 9, .attempt = 1});
    bytes back = test::returned(packet);
    test::set_octet(back, 12, 11);  // as if from 11.0.0.0/8
    taken += answer_in(probes, back) ? 1 : 0;
  }
  CHECK(taken <= 16);  // expected: one of 1024
}

TEST_CASE("udp probes: their local ports are the promised ones, and many", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, {});
  std::set<std::uint16_t> ports;
  for (std::uint32_t number = 0; number < 20'000; ++number)
    ports.insert(own_port_of(sent(
        probes,
        {.from = ip("192.0.2.1"), .to = address::v4(number), .port = 9, .attempt = 1 + number % distinct_attempts})));
  CHECK(*ports.begin() >= first_port);
  CHECK(*ports.rbegin() < first_port + udp_probes::port_count);
  CHECK(ports.size() > udp_probes::port_count / 2);
}

TEST_CASE("udp probes: ports with a request of their own get it, in turn", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, "hello");
  for (const unsigned attempt : {1U, 2U, 3U}) {
    const bytes packet =
        sent(probes, {.from = ip("192.0.2.1"), .to = ip("192.0.2.2"), .port = 161, .attempt = attempt});
    CHECK(as_text(bytes_view(packet).subspan(28)) == as_text(payload_for(161, attempt - 1)));
  }
}

TEST_CASE("udp probes: an ICMP error closes the port, or says that it is filtered", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, "hello");
  const bytes packet = sent(probes, {.from = ip("192.0.2.1"), .to = ip("198.51.100.2"), .port = 9, .attempt = 2});
  const bytes closed = test::icmp_about(packet, 3, 3, 28);
  const auto answer = answer_in(probes, closed);
  REQUIRE(answer);
  CHECK(answer->target == ip("198.51.100.2"));
  CHECK(answer->port == 9);
  CHECK(answer->attempt == 2);
  CHECK(answer->verdict.state == port_state::closed);
  CHECK(answer->verdict.why == reason::port_unreachable);
  CHECK(answer->verdict.system_error == ECONNREFUSED);
  CHECK(answer->verdict.sender == ip("192.0.2.9"));
  const auto filtered = answer_in(probes, test::icmp_about(packet, 3, 13, 28));
  REQUIRE(filtered);
  CHECK(filtered->verdict.state == port_state::filtered);
  CHECK(filtered->verdict.why == reason::admin_prohibited);
  bytes other = packet;
  test::set_octet(other, 23, 10);  // about another port
  CHECK_FALSE(answer_in(probes, test::icmp_about(other, 3, 3, 28)));
}

TEST_CASE("udp probes: TFTP answers from any port", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, {});
  const bytes packet = sent(probes, {.from = ip("192.0.2.1"), .to = ip("192.0.2.2"), .port = 69, .attempt = 1});
  bytes back = test::returned(packet);
  put_16(back, 20, 40'000);
  const auto answer = answer_in(probes, back);
  REQUIRE(answer);
  CHECK(answer->port == 69);
}

TEST_CASE("udp probes: a probe that comes back to this machine is not a reply", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, "hello");
  for (const char* local : {"127.0.0.1", "::1"})
    for (unsigned port = 1; port < 65536; ++port) {
      const stateless_probe probe{
          .from = ip(local), .to = ip(local), .port = static_cast<std::uint16_t>(port), .attempt = 1 + port % 3};
      const bytes packet = sent(probes, probe);
      CHECK_FALSE(answer_in(probes, packet));
    }
}

TEST_CASE("udp probes: what a repeated probe shows about loss", "[scan][udp_probes]") {
  udp_probes probes(key, first_port, "hello");
  const auto sent_to = [&](std::uint16_t port) {
    return sent(probes, {.from = ip("192.0.2.1"), .to = ip("192.0.2.2"), .port = port, .attempt = 2});
  };
  CHECK(answer_in(probes, test::returned(sent_to(53)))->shows_loss);
  CHECK(answer_in(probes, test::returned(sent_to(9)))->shows_loss);
  CHECK_FALSE(answer_in(probes, test::returned(sent_to(161)))->shows_loss);  // the second request is another one
  CHECK_FALSE(answer_in(probes, test::icmp_about(sent_to(9), 3, 3, 28))->shows_loss);
}

TEST_CASE("udp probes: silence is open|filtered", "[scan][udp_probes]") {
  const port_verdict silence = udp_probes(key, first_port, {}).silence();
  CHECK(silence.state == port_state::open_filtered);
  CHECK(silence.why == reason::no_response);
}

}  // namespace netlab::scan::udp_probes_test
