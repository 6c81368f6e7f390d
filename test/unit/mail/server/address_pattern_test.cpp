// SPDX-License-Identifier: MIT
#include "mail/server/address_pattern.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/failure.hpp"

namespace netlab::mail::address_pattern_test {

namespace {

bool matches(std::string_view pattern, const char* text) {
  const address of = parse_address(text).value();
  return address_pattern::parse(pattern).value().matches(&of);
}

}  // namespace

TEST_CASE("address pattern: one address, a domain, all", "[mail][address]") {
  CHECK(matches("joe@example.org", "joe@example.org"));
  CHECK(matches("Joe@Example.ORG", "jOE@example.org"));
  CHECK_FALSE(matches("joe@example.org", "jo@example.org"));
  CHECK_FALSE(matches("joe@example.org", "joe@mail.example.org"));
  CHECK(matches("@example.org", "anybody@EXAMPLE.org"));
  CHECK_FALSE(matches("@example.org", "joe@mail.example.org"));
  CHECK(
      matches("@b\xc3\xbc"
              "cher.example",
              "a@xn--bcher-kva.example"));
  CHECK(matches("@[192.0.2.1]", "a@[192.0.2.1]"));
  CHECK(matches("*", "anybody@anywhere.example"));
}

TEST_CASE("address pattern: the empty sender is its own pattern, and one of all", "[mail][address]") {
  CHECK(address_pattern::parse("<>").value().matches(nullptr));
  CHECK(address_pattern::parse("*").value().matches(nullptr));
  CHECK_FALSE(address_pattern::parse("@example.org").value().matches(nullptr));
  CHECK_FALSE(address_pattern::parse("a@example.org").value().matches(nullptr));
  CHECK_FALSE(matches("<>", "a@example.org"));
}

TEST_CASE("address pattern: what is no address is refused", "[mail][address]") {
  const std::string_view text = GENERATE(as<std::string_view>{}, "", "joe", "@", "a@", "a@b c", "@a@b", "**");
  CAPTURE(text);
  CHECK(test::failed_with(address_pattern::parse(text), errc::usage));
}

}  // namespace netlab::mail::address_pattern_test
