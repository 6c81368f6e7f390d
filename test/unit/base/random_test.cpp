// SPDX-License-Identifier: MIT
#include "base/random.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include <catch2/catch_test_macros.hpp>

namespace netlab::random_test {

namespace {

// RAND_METHOD is OpenSSL's own way to replace the generator; it is deprecated, but its successor needs much more code.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

// A generator that fails, as OpenSSL's does before the system has gathered entropy.
class failing_generator {
 public:
  failing_generator() : before_(RAND_get_rand_method()) { RAND_set_rand_method(&fails_); }
  ~failing_generator() { RAND_set_rand_method(before_); }
  failing_generator(const failing_generator&) = delete;
  failing_generator& operator=(const failing_generator&) = delete;

 private:
  static int fail(unsigned char*, int) { return 0; }
  static inline const RAND_METHOD fails_{nullptr, fail, nullptr, nullptr, fail, nullptr};
  const RAND_METHOD* before_;
};

#pragma GCC diagnostic pop

}  // namespace

TEST_CASE("random: octets are filled to the end, and never the same twice", "[base][random]") {
  const auto one = random_octets<64>();
  const auto other = random_octets<64>();
  CHECK(one != other);
  CHECK(std::ranges::any_of(std::span(one).last(16), [](std::byte each) { return each != std::byte{0}; }));
  CHECK(random_number() != random_number());
}

TEST_CASE("random: a generator that fails is an exception, not octets that anybody knows", "[base][random]") {
  const failing_generator generator;
  CHECK_THROWS_AS(random_octets<2000>(), std::runtime_error);
  CHECK_THROWS_AS(
      [] {  // until the octets drawn in advance are used up
        for (int each = 0; each < 2000; ++each) static_cast<void>(random_number());
      }(),
      std::runtime_error);
}

}  // namespace netlab::random_test
