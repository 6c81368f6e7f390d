// SPDX-License-Identifier: MIT
#include "serve/client_counts.hpp"

#include <catch2/catch_test_macros.hpp>

#include <vector>

namespace netlab::serve::client_counts_test {

namespace {

asio::ip::address at(const char* text) { return asio::ip::make_address(text); }

}  // namespace

TEST_CASE("client_counts: one address has only its share", "[serve][client_counts]") {
  client_counts counts(3, 2);
  client_bound reached;
  std::vector<client_counts::place> places;
  for (int each = 0; each < 2; ++each) places.push_back(counts.enter(at("192.0.2.1"), reached));
  CHECK_FALSE(counts.enter(at("192.0.2.1"), reached));
  CHECK(describe(reached) == "2 clients from this address connected (--max-clients-per-address)");
  places.push_back(counts.enter(at("192.0.2.2"), reached));
  CHECK(places.back());
  CHECK_FALSE(counts.enter(at("192.0.2.3"), reached));
  CHECK(describe(reached) == "3 clients connected (--max-clients)");
  CHECK(counts.size() == 3);
  places.erase(places.begin());
  CHECK(counts.enter(at("192.0.2.1"), reached));
  CHECK(counts.size() == 2);
}

TEST_CASE("client_counts: an IPv6 network is one address", "[serve][client_counts]") {
  client_counts counts(10, 1);
  client_bound reached;
  const auto first = counts.enter(at("2001:db8::1"), reached);
  CHECK(first);
  CHECK_FALSE(counts.enter(at("2001:db8::ffff:2"), reached));
  CHECK(counts.enter(at("2001:db8:0:1::1"), reached));
}

TEST_CASE("client_counts: a place that was moved is one place", "[serve][client_counts]") {
  client_counts counts(10, 10);
  client_bound reached;
  {
    client_counts::place first = counts.enter(at("::1"), reached);
    client_counts::place second = std::move(first);
    second = counts.enter(at("::1"), reached);
    CHECK(counts.size() == 1);
  }
  CHECK(counts.size() == 0);
}

}  // namespace netlab::serve::client_counts_test
