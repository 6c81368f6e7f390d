// SPDX-License-Identifier: MIT
#include "mail/login/accounts.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::mail::accounts_test {

namespace {

secret seed() { return secret("0123456789abcdef"); }

}  // namespace

TEST_CASE("accounts: the right password of a user fits, nothing else does", "[mail][accounts]") {
  accounts all(seed());
  CHECK(all.empty());
  REQUIRE(all.add("tim", secret("geheim")));
  REQUIRE(all.add("tom", secret("anders")));
  CHECK(all.size() == 2);
  CHECK(all.check("tim", "geheim"));
  CHECK(all.check("tom", "anders"));
  CHECK_FALSE(all.check("tim", "anders"));
  CHECK_FALSE(all.check("tim", ""));
  CHECK_FALSE(all.check("tim", "geheim "));
  CHECK_FALSE(all.check("Tim", "geheim"));
  CHECK_FALSE(all.check("", ""));
  CHECK_FALSE(all.check("nobody", "geheim"));
}

TEST_CASE("accounts: CRAM-MD5 is as RFC 2195 shows it", "[mail][accounts]") {
  accounts all(seed());
  REQUIRE(all.add("tim", secret("tanstaaftanstaaf")));
  const std::string_view challenge = "<1896.697170952@postoffice.reston.mci.net>";
  CHECK(all.check_cram_md5("tim", challenge, "b913a602c7eda7a495b4e6e7334d3890"));
  CHECK(all.check_cram_md5("tim", challenge, "B913A602C7EDA7A495B4E6E7334D3890"));
  CHECK_FALSE(all.check_cram_md5("tim", challenge, "b913a602c7eda7a495b4e6e7334d3891"));
  CHECK_FALSE(all.check_cram_md5("tim", challenge, ""));
  CHECK_FALSE(all.check_cram_md5("tom", challenge, "b913a602c7eda7a495b4e6e7334d3890"));
}

TEST_CASE("accounts: a name that is not there has keys like any other, the same each time", "[mail][accounts]") {
  accounts all(seed());
  REQUIRE(all.add("tim", secret("geheim")));
  const scram_keys real = all.keys_of("tim");
  const scram_keys fake = all.keys_of("tom");
  CHECK(real.iterations == accounts::iterations);
  CHECK(fake.iterations == real.iterations);
  CHECK(fake.salt.size() == real.salt.size());
  CHECK(fake.salt != real.salt);
  CHECK(fake.salt == all.keys_of("tom").salt);
  CHECK(fake.salt != all.keys_of("tam").salt);
  CHECK(fake.stored != real.stored);
  accounts again(seed());
  REQUIRE(again.add("tom", secret("other")));
  CHECK(again.keys_of("tom").salt == fake.salt);  // it does not reveal whether tom exists
  accounts other(secret("another seed 123"));
  CHECK(other.keys_of("tom").salt != fake.salt);
}

TEST_CASE("accounts: names and passwords that cannot be typed are refused", "[mail][accounts]") {
  accounts all(seed());
  CHECK(test::failed_with(all.add("", secret("x")), errc::usage));
  CHECK(test::failed_with(all.add("x", secret("")), errc::usage));
  CHECK(test::failed_with(all.add("a\nb", secret("x")), errc::usage));
  CHECK(test::failed_with(all.add(std::string("a\0b", 3), secret("x")), errc::usage));
  CHECK(test::failed_with(all.add("a", secret("x\n")), errc::usage));
  CHECK(test::failed_with(all.add("a", secret("\xff")), errc::usage));
  CHECK(test::failed_with(all.add(std::string(256, 'a'), secret("x")), errc::usage));
  REQUIRE(all.add("a", secret("x")));
  CHECK(test::why(all.add("a", secret("x"))) == "duplicate user 'a'");
}

#ifdef NETLAB_HAS_LIBIDN

TEST_CASE("accounts: names and passwords outside ASCII fit however they were typed", "[mail][accounts]") {
  accounts all(seed());
  REQUIRE(all.add("jo\u0308rg", secret("paßwo\u0308rt")));
  CHECK(all.check("j\u00f6rg", "pa\u00dfw\u00f6rt"));
  CHECK(all.check("jo\u0308rg", "paßwo\u0308rt"));
  CHECK_FALSE(all.check("jorg", "pa\u00dfw\u00f6rt"));
  CHECK_FALSE(all.add("j\u00f6rg", secret("x")));
  CHECK(all.keys_of("j\u00f6rg").stored == all.keys_of("jo\u0308rg").stored);
  CHECK(all.keys_of("j\u00f6rg").salt == all.keys_of("jo\u0308rg").salt);
}

#endif

}  // namespace netlab::mail::accounts_test
