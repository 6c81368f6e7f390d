// SPDX-License-Identifier: MIT
#include "mail/login/sasl_server.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "mail/login/scram_server.hpp"
#include "some_users.hpp"
#include "support/failure.hpp"

namespace netlab::mail::sasl_server_test {

using test_server::users;

namespace {

using kind = sasl_step::kind;

channel_binding bound(std::string_view data = "of this connection") {
  const bytes_view octets = as_bytes(data);
  return {"tls-exporter", bytes(octets.begin(), octets.end())};
}

sasl_parameters client_of(std::string user, std::string password, std::optional<channel_binding> binding = {}) {
  return {.user = std::move(user),
          .password = secret(std::move(password)),
          .host = "mx.example",
          .port = 587,
          .nonce = "rOprNGfwEbeRWgbNEkqO",
          .binding = std::move(binding)};
}

sasl_server_parameters server_of(std::optional<channel_binding> binding = {}) {
  const bool is_bound = binding.has_value();
  return {
      .host = "mx.example", .nonce = "3rfcNHYJY1ZVvWVs7j", .binding = std::move(binding), .offers_binding = is_bound};
}

struct exchange {
  kind end = kind::refused;
  std::string user;
  bool is_believed = false;  // by the client
};

exchange run(sasl& client, sasl_server& server) {
  auto first = client.initial();
  sasl_step step = first ? server.take(first->view()) : server.take(std::nullopt);
  for (int turn = 0; turn < 10 && step.type == kind::challenge; ++turn) {
    const auto answer = client.answer(step.text);
    if (!answer) break;
    step = server.take(answer->view());
  }
  return {step.type, server.user(), client.succeeded().has_value()};
}

}  // namespace

TEST_CASE("sasl server: each mechanism lets in who knows the password, and nobody else", "[mail][sasl]") {
  using enum mechanism;
  const mechanism which = GENERATE(mechanism::plain, mechanism::login, cram_md5, scram_sha_256, scram_sha_256_plus);
  CAPTURE(name_of(which));
  const auto attempt = [&](const char* user, const char* password) {
    const auto client = make_sasl(which, client_of(user, password, bound()));
    // A client that supports binding is accepted if the server does not offer it.
    auto with = server_of(bound());
    with.offers_binding = which == scram_sha_256_plus;
    const auto server = make_sasl_server(which, users(), std::move(with));
    REQUIRE(server != nullptr);
    return run(*client, *server);
  };
  for (const auto& [user, password] : {std::pair("tim", "geheim"), std::pair("j\xc3\xb6rg, =", "sch\xc3\xb6n")}) {
    const exchange good = attempt(user, password);
    CHECK(good.end == kind::accepted);
    CHECK(good.user == user);
    CHECK(good.is_believed);
  }
  CHECK(attempt("tim", "falsch").end == kind::refused);
  CHECK(attempt("tom", "geheim").end == kind::refused);
  CHECK(attempt("tom", "").end == kind::refused);
}

TEST_CASE("sasl server: a login bound to another connection is refused", "[mail][sasl]") {
  const auto client = make_sasl(mechanism::scram_sha_256_plus, client_of("tim", "geheim", bound("another")));
  const auto server = make_sasl_server(mechanism::scram_sha_256_plus, users(), server_of(bound()));
  CHECK(run(*client, *server).end == kind::refused);
}

TEST_CASE("sasl server: who could bind and does not see it offered is refused where it is", "[mail][sasl]") {
  const auto client = make_sasl(mechanism::scram_sha_256, client_of("tim", "geheim", bound()));  // sends y
  const auto server = make_sasl_server(mechanism::scram_sha_256, users(), server_of(bound()));
  CHECK(run(*client, *server).end == kind::refused);
  const auto unaware = make_sasl(mechanism::scram_sha_256, client_of("tim", "geheim"));  // sends n
  const auto again = make_sasl_server(mechanism::scram_sha_256, users(), server_of(bound()));
  CHECK(run(*unaware, *again).end == kind::accepted);
}

TEST_CASE("sasl server: without a binding there is no mechanism with one", "[mail][sasl]") {
  CHECK(make_sasl_server(mechanism::scram_sha_256_plus, users(), server_of()) == nullptr);
  CHECK(make_sasl_server(mechanism::xoauth2, users(), server_of()) == nullptr);
}

TEST_CASE("sasl server: SCRAM takes no message that is not as RFC 5802 has it", "[mail][sasl]") {
  const std::string_view first = GENERATE(as<std::string_view>{}, "", "n", "n,,", "x,,n=tim,r=abc", "n,,n=tim",
                                          "n,,r=abc,n=tim", "n,,n=tim,r=", "n,,n=t=im,r=abc", "n,,n=,r=abc",
                                          "n,,m=x,n=tim,r=abc", "n,,n=tim,r=a b", "p=tls-exporter,,n=tim,r=abc");
  scram_server server(users(), server_of(), false);
  CHECK(server.take(first).type == kind::malformed);
  CHECK(server.take("c=biws,r=x,p=x").type == kind::malformed);
}

TEST_CASE("sasl server: SCRAM refuses to act for others, takes a proof once, and only with its own nonce",
          "[mail][sasl]") {
  scram_server other(users(), server_of(), false);
  CHECK(other.take("n,a=root,n=tim,r=abc").type == kind::refused);
  scram_server own(users(), server_of(), false);
  CHECK(own.take("n,a=tim,n=tim,r=abc").type == kind::challenge);
  CHECK(own.take("c=biws,r=abcdef,p=AAAA").type == kind::refused);
  scram_server late(users(), server_of(), false);
  CHECK(late.take("n,,n=tim,r=abc").type == kind::challenge);
  CHECK(late.take("c=biws,r=abc3rfcNHYJY1ZVvWVs7j").type == kind::malformed);
  CHECK(late.take("c=biws,r=abc3rfcNHYJY1ZVvWVs7j,p=AAAA").type == kind::malformed);
}

TEST_CASE("sasl server: an unknown user is asked as a known one is", "[mail][sasl]") {
  scram_server one(users(), server_of(), false);
  scram_server other(users(), server_of(), false);
  const std::string known = one.take("n,,n=tim,r=abc").text;
  const std::string unknown = other.take("n,,n=tom,r=abc").text;
  CHECK(known.size() == unknown.size());
  CHECK(known.ends_with(",i=4096"));
  CHECK(unknown.ends_with(",i=4096"));
}

TEST_CASE("sasl server: mechanisms are known in any case", "[mail][sasl]") {
  CHECK(parse_mechanism("scram-Sha-256") == mechanism::scram_sha_256);
  CHECK(parse_mechanism("PLAIN") == mechanism::plain);
  CHECK_FALSE(parse_mechanism("PLAI"));
  CHECK_FALSE(parse_mechanism(""));
  CHECK_FALSE(parse_mechanism(std::string(10'000, 'X')));
}

}  // namespace netlab::mail::sasl_server_test
