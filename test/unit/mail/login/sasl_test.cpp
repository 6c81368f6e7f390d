// SPDX-License-Identifier: MIT
#include "mail/login/sasl.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::mail::sasl_test {

namespace {

sasl_parameters who(std::string user, std::string password) {
  return {.user = std::move(user),
          .password = secret(std::move(password)),
          .host = "mail.example.org",
          .port = 587,
          .nonce = "rOprNGfwEbeRWgbNEkqO",
          .binding = {}};
}

std::string said(const result<secret>& answer) { return answer ? std::string(answer->view()) : test::why(answer); }

}  // namespace

TEST_CASE("sasl: PLAIN says name and password at once", "[mail][sasl]") {
  auto one = make_sasl(mechanism::plain, who("tim", "tanstaaftanstaaf"));
  CHECK(one->initial()->view() == std::string_view("\0tim\0tanstaaftanstaaf", 21));
  CHECK(test::failed_with(one->answer(""), errc::peer_protocol));
}

TEST_CASE("sasl: PLAIN answers an empty challenge where it did not begin", "[mail][sasl]") {
  auto one = make_sasl(mechanism::plain, who("tim", "x"));
  CHECK(said(one->answer("")) == std::string("\0tim\0x", 6));
}

TEST_CASE("sasl: LOGIN answers any two questions, name first", "[mail][sasl]") {
  auto one = make_sasl(mechanism::login, who("tim", "pass"));
  CHECK_FALSE(one->initial());
  CHECK(said(one->answer("Benutzer?")) == "tim");
  CHECK(said(one->answer("")) == "pass");
  CHECK(test::failed_with(one->answer("And?"), errc::peer_protocol));
}

TEST_CASE("sasl: CRAM-MD5 is as in RFC 2195", "[mail][sasl]") {
  auto one = make_sasl(mechanism::cram_md5, who("tim", "tanstaaftanstaaf"));
  CHECK_FALSE(one->initial());
  CHECK(said(one->answer("<1896.697170952@postoffice.reston.mci.net>")) == "tim b913a602c7eda7a495b4e6e7334d3890");
}

#ifdef NETLAB_HAS_LIBIDN

TEST_CASE("sasl: SCRAM proves a password outside ASCII in its prepared form", "[mail][sasl]") {
  // The expected proof was computed in Python, for `jörg` and `paßwört IX` in NFC.
  for (const std::string_view password : {"pa\u00dfw\u00f6rt IX", "pa\u00dfwo\u0308rt IX", "paßwört\u00a0\u2168"}) {
    auto one = make_sasl(mechanism::scram_sha_256, who("jo\u0308rg", std::string(password)));
    CHECK(one->initial()->view() == "n,,n=j\u00f6rg,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(said(one->answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")) ==
          "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
          "p=lSOY5kJb0aL9CgLB+AWu03EpcfJZHHFi7mF73qUCX+s=");
  }
}

#endif

TEST_CASE("sasl: SCRAM does not hash a password that SASLprep prohibits", "[mail][sasl]") {
  auto one = make_sasl(mechanism::scram_sha_256, who("tim", "a\a"));
  static_cast<void>(one->initial());
  CHECK(test::failed_with(
      one->answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
      errc::bad_data));
}

TEST_CASE("sasl: SCRAM-SHA-256 is as in RFC 7677", "[mail][sasl]") {
  auto one = make_sasl(mechanism::scram_sha_256, who("user", "pencil"));
  CHECK(one->initial()->view() == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  CHECK(said(one->answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")) ==
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  CHECK_FALSE(one->succeeded());
  CHECK(said(one->answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")).empty());
  CHECK(one->succeeded());
}

TEST_CASE("sasl: SCRAM refuses a server that does not prove itself", "[mail][sasl]") {
  auto one = make_sasl(mechanism::scram_sha_256, who("user", "pencil"));
  REQUIRE(one->initial());
  REQUIRE(one->answer("r=rOprNGfwEbeRWgbNEkqO%x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
  CHECK(test::failed_with(one->answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), errc::not_permitted));
  CHECK_FALSE(one->succeeded());
}

TEST_CASE("sasl: SCRAM refuses first messages that make no sense", "[mail][sasl]") {
  for (const std::string_view challenge :
       {"", "x", "r=other,s=W22Z,i=4096", "r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=4096", "r=rOprNGfwEbeRWgbNEkqO1,s=,i=4096",
        "r=rOprNGfwEbeRWgbNEkqO1,s=W22Z", "r=rOprNGfwEbeRWgbNEkqO1,s=W22Z,i=x", "r=rOprNGfwEbeRWgbNEkqO1,s=W22Z,i=-1",
        "m=1,r=rOprNGfwEbeRWgbNEkqO1,s=W22Z,i=4096", "r=rOprNGfwEbeRWgbNEkqO1,s=W22Z,i=99999999"}) {
    auto one = make_sasl(mechanism::scram_sha_256, who("user", "pencil"));
    REQUIRE(one->initial());
    CHECK(test::failed_with(one->answer(challenge), errc::peer_protocol));
  }
  auto one = make_sasl(mechanism::scram_sha_256, who("user", "pencil"));
  REQUIRE(one->initial());
  CHECK(test::failed_with(one->answer("r=rOprNGfwEbeRWgbNEkqO1,s=W22Z,i=1"), errc::not_permitted));
}

TEST_CASE("sasl: SCRAM names its channel binding, and says when it could have had one", "[mail][sasl]") {
  auto with = who("a,b=c", "x");
  with.binding = channel_binding{"tls-exporter", bytes(32)};
  auto bound = make_sasl(mechanism::scram_sha_256_plus, std::move(with));
  CHECK(bound->initial()->view() == "p=tls-exporter,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO");
  auto other = who("u", "x");
  other.binding = channel_binding{"tls-exporter", bytes(32)};
  CHECK(make_sasl(mechanism::scram_sha_256, std::move(other))->initial()->view() == "y,,n=u,r=rOprNGfwEbeRWgbNEkqO");
}

TEST_CASE("sasl: tokens go out, and reasons come back", "[mail][sasl]") {
  auto google = make_sasl(mechanism::xoauth2, who("someone@example.com", "ya29.x"));
  CHECK(google->initial()->view() == "user=someone@example.com\1auth=Bearer ya29.x\1\1");
  CHECK(said(google->answer("{\"status\":\"401\"}")).empty());
  CHECK(google->reason() == "{\"status\":\"401\"}");
  CHECK(test::failed_with(google->answer("x"), errc::peer_protocol));
  auto standard = make_sasl(mechanism::oauthbearer, who("u,v", "t"));
  CHECK(standard->initial()->view() == "n,a=u=2Cv,\1host=mail.example.org\1port=587\1auth=Bearer t\1\1");
  CHECK(said(standard->answer("{}")) == "\1");
}

}  // namespace netlab::mail::sasl_test
