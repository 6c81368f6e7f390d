// SPDX-License-Identifier: MIT
#include "net/background_resolver.hpp"

#include <catch2/catch_test_macros.hpp>

#include "net/run_client.hpp"

namespace netlab::net::background_resolver_test {

using namespace std::chrono_literals;

TEST_CASE("background resolver: what is known is told by its place", "[net][loop]") {
  background_resolver names({"127.0.0.1", "no such name", "::1"}, family::any, clock::now() + 20s);
  asio::io_context loop{1};
  REQUIRE(run_client(loop, names.wait(never)));
  const auto known = names.known();
  REQUIRE(known.size() == 3);
  CHECK((*known[0])->front().to_string() == "127.0.0.1");
  CHECK_FALSE(*known[1]);
  CHECK((*known[2])->front().to_string() == "::1");
}

TEST_CASE("background resolver: without names there is nothing to wait for", "[net][loop]") {
  background_resolver names({}, family::any, never);
  asio::io_context loop{1};
  CHECK(run_client(loop, names.wait(never)));
  CHECK(names.known().empty());
}

TEST_CASE("background resolver: it can be left while names are looked up", "[net][loop]") {
  for (int count = 0; count < 20; ++count) {
    background_resolver names({"localhost", "nowhere.invalid"}, family::any, never);
    asio::io_context loop{1};
    CHECK(run_client(loop, names.wait(clock::now())));
  }
}

}  // namespace netlab::net::background_resolver_test
