// SPDX-License-Identifier: MIT
#include "scan/classify.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cerrno>

namespace netlab::scan::classify_test {

TEST_CASE("classify: only a reset closes a TCP port; ICMP filters it", "[scan][unit]") {
  CHECK(classify_tcp(ECONNREFUSED, std::nullopt).state == port_state::closed);
  CHECK(classify_tcp(ECONNREFUSED, std::nullopt).why == reason::reset);
  const icmp_error port{.type = 3, .code = 3, .system_error = ECONNREFUSED};
  CHECK(classify_tcp(ECONNREFUSED, port).state == port_state::filtered);
  CHECK(classify_tcp(ECONNREFUSED, port).why == reason::port_unreachable);
  CHECK(classify_tcp(ETIMEDOUT, std::nullopt).why == reason::no_response);
  CHECK(classify_tcp(EMFILE, std::nullopt).state == port_state::unknown);
}

TEST_CASE("classify: a connection that was made and then reset shows an open TCP port", "[scan][unit]") {
  const icmp_error admin{.type = 3, .code = 13, .system_error = EHOSTUNREACH};
  for (const int error : {ECONNRESET, EPIPE}) {
    CHECK(classify_tcp(error, std::nullopt).state == port_state::open);
    CHECK(classify_tcp(error, std::nullopt).why == reason::syn_ack);
    CHECK(classify_tcp(error, std::nullopt).system_error == 0);
    CHECK(classify_tcp(error, admin).state == port_state::open);
  }
}

TEST_CASE("classify: ICMP port unreachable closes a UDP port; other ICMP filters it", "[scan][unit]") {
  CHECK(classify_udp(0, icmp_error{.type = 3, .code = 3, .system_error = ECONNREFUSED}).state == port_state::closed);
  CHECK(classify_udp(0, icmp_error{.is_v6 = true, .type = 1, .code = 4}).state == port_state::closed);
  CHECK(classify_udp(0, icmp_error{.type = 3, .code = 13}).why == reason::admin_prohibited);
  CHECK(classify_udp(0, icmp_error{.is_v6 = true, .type = 1, .code = 1}).why == reason::admin_prohibited);
  CHECK(classify_udp(0, icmp_error{.type = 3, .code = 1}).state == port_state::filtered);
}

TEST_CASE("classify: ICMP that says nothing of the port is no verdict", "[scan][unit]") {
  CHECK_FALSE(reason_of({.type = 3, .code = 4}));
  CHECK_FALSE(reason_of({.type = 4, .code = 0}));
  CHECK_FALSE(reason_of({.is_v6 = true, .type = 2, .code = 0}));
}

TEST_CASE("classify: what the kernel says without ICMP is this machine's own failure", "[scan][unit]") {
  for (const auto classify : {classify_tcp, classify_udp}) {
    for (const int error : {ENETUNREACH, ENETDOWN, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, EPERM}) {
      const port_verdict verdict = classify(error, std::nullopt);
      CHECK(verdict.state == port_state::unknown);
      CHECK(verdict.is_local);
      CHECK(verdict.system_error == error);
    }
    CHECK(classify(ENETUNREACH, std::nullopt).why == reason::net_unreachable);
    CHECK(classify(EHOSTUNREACH, std::nullopt).why == reason::host_unreachable);
  }
  CHECK(classify_tcp(ETIMEDOUT, std::nullopt).state == port_state::filtered);
  CHECK_FALSE(classify_tcp(ETIMEDOUT, std::nullopt).is_local);
}

TEST_CASE("classify: a verdict by ICMP names its sender", "[scan][unit]") {
  const auto router = netlab::scan::address::v4(0xc0000201);
  const icmp_error admin{.type = 3, .code = 13, .system_error = EHOSTUNREACH, .sender = router};
  for (const auto classify : {classify_tcp, classify_udp}) {
    CHECK(classify(EHOSTUNREACH, admin).sender == router);
    CHECK_FALSE(classify(EHOSTUNREACH, admin).is_local);
  }
}

}  // namespace netlab::scan::classify_test
