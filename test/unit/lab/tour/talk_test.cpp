// SPDX-License-Identifier: MIT
#include "lab/tour/talk.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::lab::talk_test {

TEST_CASE("talk: a call says what it returned, or would have waited for", "[lab][talk]") {
  CHECK(one_call{.size = 8, .error = {}}.in_words() == "returns 8");
  CHECK(one_call{.size = 0, .error = asio::error::eof}.in_words() == "returns 0");
  CHECK(one_call{.size = 0, .error = asio::error::would_block}.in_words() == "would wait");
  CHECK(one_call{.size = 0, .error = asio::error::connection_reset}.in_words() == "connection reset by peer");
}

}  // namespace netlab::lab::talk_test
