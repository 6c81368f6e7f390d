// SPDX-License-Identifier: MIT
#include "scan/stateless_checkpoint.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "scan/stateless_sweep.hpp"

namespace netlab::scan::stateless_checkpoint_test {

TEST_CASE("stateless checkpoint: what is written is read again", "[scan][stateless_checkpoint]") {
  stateless_checkpoint one{.next = 1000, .parts = {}};
  CHECK(to_text(one) == "1000");
  one.parts.push_back({10, 5, 1, 2, {0x1f}});
  one.parts.push_back({100, 200, 3, 0, {0, 0, 0xdeadbeef00000001, 7}});
  CHECK(to_text(one) == "1000;10+5*1/2:1f;100+200*3/0:0^2,deadbeef00000001,7");
  const auto again = parse_stateless_checkpoint(to_text(one));
  REQUIRE(again);
  CHECK(*again == one);
}

TEST_CASE("stateless checkpoint: damage is noticed", "[scan][stateless_checkpoint]") {
  const auto text = GENERATE(
      "", "x", "5;", "5;1", "5;1+2", "5;1+2*1", "5;1+2*1/0", "5;1+2*1/0:", "5;1+2*1:0", "5;1+2*1/3:0", "5;1+2*1/x:0",
      "5;1+2*1/0:0,0", "5;1+2*1/0:g", "5;1+2*0/0:0", "5;1+2*256/0:0", "5;4+2*1/0:0", "5;6+1*1/0:0", "5;1+0*1/0:0",
      "5;1+2*1/0:0^0", "5;1+2*1/0:0^2", "5;2+2*1/0:0;1+1*1/0:0", "5;1+2*1/0:0;2+1*1/0:0", "5;1+2*1/0:00000000000000000",
      "300000;1+262145*1/0:0^4097", "5;1+2*1/0:0^18446744073709551615", "-1");
  INFO(text);
  const auto parsed = parse_stateless_checkpoint(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == errc::bad_data);
}

TEST_CASE("stateless checkpoint: a cut text is read as something shorter or not at all",
          "[scan][stateless_checkpoint]") {
  const std::string whole = to_text({.next = 1000, .parts = {{10, 5, 1, 5, {0x1f}}, {100, 64, 2, 0, {0xffff}}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto parsed = parse_stateless_checkpoint(std::string_view(whole).substr(0, size));
    if (parsed) CHECK(parsed->next <= 1000);
  }
}

}  // namespace netlab::scan::stateless_checkpoint_test
