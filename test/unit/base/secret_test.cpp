// SPDX-License-Identifier: MIT
#include "base/secret.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::secret_test {

TEST_CASE("secret: moving one copies no octet, however short it is, and leaves none behind", "[base][secret]") {
  for (const std::size_t size : {1U, 15U, 16U, 1000U}) {
    secret one(std::string(size, 'x'));
    const void* const place = one.view().data();
    secret other(std::move(one));
    CHECK(other.view().data() == place);
    CHECK(other.view() == std::string(size, 'x'));
    CHECK(one.empty());
    secret third(std::string("before"));
    third = std::move(other);
    CHECK(third.view().data() == place);
    CHECK(other.empty());
  }
}

TEST_CASE("secret: the text that it was made of is overwritten", "[base][secret]") {
  std::string text = "a password that has no room in a short string";
  const char* const place = text.data();
  const secret one(std::move(text));
  CHECK(one.view() == "a password that has no room in a short string");
  CHECK(text.empty());
  CHECK(place[1] == '\0');
}

}  // namespace netlab::secret_test
