// SPDX-License-Identifier: MIT
#include "base/visit.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string_view>

namespace netlab::visit_test {

TEST_CASE("announcement: says its words once, whatever the peer says, and is done", "[small][unit]") {
  const time_point start{};
  const bytes_view words = as_bytes("now");
  announcement one({words.begin(), words.end()}, start);
  CHECK(one.done());
  one.feed(as_bytes("what?"), start);
  CHECK(as_text(one.take_output()) == "now");
  CHECK(one.take_output().empty());
  CHECK(one.octets() == 3);
  CHECK_FALSE(one.deadline());
}

}  // namespace netlab::visit_test
