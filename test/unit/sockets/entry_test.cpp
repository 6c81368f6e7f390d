// SPDX-License-Identifier: MIT
#include "sockets/entry.hpp"

#include <arpa/inet.h>

#include <catch2/catch_test_macros.hpp>

namespace netlab::sockets::entry_test {

namespace {

endpoint v6(const char* figures, std::uint16_t port) {
  endpoint made{.is_v6 = true, .port = port};
  REQUIRE(::inet_pton(AF_INET6, figures, made.address.data()) == 1);
  return made;
}

}  // namespace

TEST_CASE("entry: addresses are written as RFC 5952 wants them", "[sockets][entry]") {
  for (const char* figures : {"::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3", "fe80::1:0:0:1",
                              "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8"})
    CHECK(to_string(v6(figures, 80)) == "[" + std::string(figures) + "]:80");
  CHECK(to_string(v6("2001:db8::1:0:0:1", 0)) == "[2001:db8::1:0:0:1]:0");
  CHECK(to_string(v6("fe80::1", 22), "eth0") == "[fe80::1%eth0]:22");
  CHECK(to_string(endpoint{.address = {192, 0, 2, 255}, .port = 65535}) == "192.0.2.255:65535");
  CHECK(to_string(endpoint{.port = 68}, "eth0") == "0.0.0.0%eth0:68");
}

TEST_CASE("entry: a state of UDP has words of its own, and an unknown one has some", "[sockets][entry]") {
  CHECK(name_of(transport::udp, state::closed) == "unconnected");
  CHECK(name_of(transport::udp, state::established) == "connected");
  CHECK(name_of(transport::tcp, state::closed) == "closed");
  CHECK(name_of(transport::tcp, state::new_syn_received) == "syn-received");
  CHECK(name_of(transport::tcp, static_cast<state>(99)) == "unknown");
}

}  // namespace netlab::sockets::entry_test
