// SPDX-License-Identifier: MIT
#include "mail/client/client.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fmt/format.h>

#include "dialogue.hpp"
#include "support/failure.hpp"

namespace netlab::mail::client_test {

using namespace test_dialogue;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

login_parameters login_as(std::vector<mechanism> mechanisms) {
  return {.user = "tim",
          .password = secret("geheim"),
          .mechanisms = std::move(mechanisms),
          .host = "mx",
          .port = 587,
          .nonce = "rOprNGfwEbeRWgbNEkqO"};
}

/// A session over TLS, after EHLO.
struct secured : dialogue {
  explicit secured(login_parameters login) : dialogue(with(std::move(login))) {}
  static client_parameters with(login_parameters login) {
    client_parameters all = plain();
    all.login = std::move(login);
    return all;
  }
  std::string begin_login(std::string_view mechanisms) {
    session().start(tls_facts{}, now);
    CHECK(server("220 mx\r\n") == "EHLO client.example\r\n");
    return server(fmt::format("250-mx\r\n250 AUTH {}\r\n", mechanisms));
  }
};

}  // namespace

TEST_CASE("client: 421 ends the session in every state", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  const int when = GENERATE(0, 1, 2, 3, 4);
  const std::vector<std::string> answers{"220 mx\r\n", "250-mx\r\n250 x\r\n", "250 ok\r\n", "250 ok\r\n", ""};
  d.session().start(std::nullopt, d.now);
  for (int at = 0; at < when; ++at) d.server(answers.at(static_cast<std::size_t>(at)));
  CHECK_FALSE(d.session().done());
  d.server("421 4.3.2 shutting down\r\n");
  CHECK(d.session().done());
  REQUIRE_FALSE(d.session().session());
  CHECK(d.session().session().error().code == errc::try_later);
  CHECK(d.session().take_unsent().size() == 1);
}

TEST_CASE("client: EHLO not understood is HELO", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.session().start(std::nullopt, d.now);
  d.server("220 mx\r\n");
  CHECK(d.server("502 what?\r\n") == "HELO client.example\r\n");
  CHECK(d.server("250 mx\r\n") == "MAIL FROM:<s@example.org>\r\n");
}

TEST_CASE("client: a greeting that refuses is told", "[mail][client]") {
  dialogue d;
  d.session().start(std::nullopt, d.now);
  d.server("554 5.7.1 no service\r\n");
  CHECK(test::why(d.session().session()) == "greeting: 554 5.7.1 no service");
  CHECK(d.session().session().error().code == errc::rejected);
}

TEST_CASE("client: silence ends the session at its stage", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.session().start(std::nullopt, d.now);
  CHECK(d.session().deadline() == d.now + 1min);
  d.now += 30s;
  d.server("220 mx\r\n");
  CHECK(d.session().deadline() == d.now + 1min);
  d.session().tick(d.now + 59s);
  CHECK_FALSE(d.session().done());
  d.session().tick(d.now + 1min);
  CHECK(test::why(d.session().session()) == "no answer to EHLO within 60 s");
  CHECK(d.session().session().error().code == errc::timed_out);
}

TEST_CASE("client: the farewell is not waited for long, and is no failure", "[mail][client]") {
  dialogue d;
  d.session().close(d.now);
  CHECK(d.begin("PIPELINING") == "QUIT\r\n");
  CHECK(d.session().deadline() == d.now + 2s);
  if (GENERATE(true, false))
    d.session().tick(d.now + 2s);
  else
    d.session().eof(d.now);
  CHECK(d.session().done());
  CHECK(d.session().session());
}

TEST_CASE("client: an answer that nobody asked for breaks the protocol", "[mail][client]") {
  dialogue d;
  d.begin("");
  d.server("250 here you are\r\n");
  CHECK(d.session().session().error().code == errc::peer_protocol);
}

TEST_CASE("client: STARTTLS is wanted, and what was learned before is forgotten", "[mail][client]") {
  auto with = dialogue::plain();
  with.starttls = true;
  dialogue d(std::move(with));
  d.submit({"a@example.org"});
  CHECK(d.begin("STARTTLS PIPELINING") == "STARTTLS\r\n");
  CHECK(d.server("220 go\r\n").empty());
  CHECK(d.session().wants_tls());
  CHECK(d.session().done());
  d.session().tls_started({}, d.now);
  CHECK_FALSE(d.session().done());
  CHECK_FALSE(d.session().server().pipelining);
  CHECK(d.client() == "EHLO client.example\r\n");
  CHECK(d.server("250 mx\r\n") == "MAIL FROM:<s@example.org>\r\n");
}

TEST_CASE("client: octets behind the answer to STARTTLS end the session", "[mail][client]") {
  auto with = dialogue::plain();
  with.starttls = true;
  dialogue d(std::move(with));
  d.begin("STARTTLS");
  d.server(GENERATE("220 go\r\n250 injected\r\n", "220 go\r\nx", "220 go\r\n\r\n"));
  CHECK_FALSE(d.session().wants_tls());
  CHECK(d.session().done());
  CHECK(d.session().session().error().code == errc::peer_protocol);
}

TEST_CASE("client: no STARTTLS, no mail", "[mail][client]") {
  auto with = dialogue::plain();
  with.starttls = true;
  dialogue d(std::move(with));
  d.submit({"a@example.org"});
  SECTION("not offered") {
    CHECK(d.begin("PIPELINING").empty());
    CHECK(d.session().session().error().code == errc::not_permitted);
  }
  SECTION("refused for now") {
    d.begin("STARTTLS");
    CHECK(d.server("454 TLS not available\r\n").empty());
    CHECK(d.session().session().error().code == errc::try_later);
  }
  SECTION("answered with a success that is none") {
    d.begin("STARTTLS");
    CHECK(d.server("250 ok\r\n").empty());
    CHECK(d.session().session().error().code == errc::peer_protocol);
  }
  SECTION("not known to a server that knows HELO only") {
    d.session().start(std::nullopt, d.now);
    d.server("220 mx\r\n");
    d.server("500 what?\r\n");
    CHECK(d.server("250 mx\r\n").empty());
    CHECK(d.session().session().error().code == errc::not_permitted);
  }
  CHECK(d.deliveries().empty());
  CHECK(d.session().take_unsent().size() == 1);
}

TEST_CASE("client: logs in with the initial response, and shows no secret", "[mail][client]") {
  secured d(login_as({mechanism::plain}));
  d.submit({"a@example.org"});
  CHECK(d.begin_login("LOGIN PLAIN") == "AUTH PLAIN AHRpbQBnZWhlaW0=\r\n");
  CHECK(d.server("235 2.7.0 welcome\r\n") == "MAIL FROM:<s@example.org>\r\n");
  CHECK_THAT(d.transcript, ContainsSubstring("C: AUTH PLAIN ***\n"));
  CHECK_THAT(d.transcript, !ContainsSubstring("AHRp"));
}

TEST_CASE("client: a server that takes no initial response is asked without", "[mail][client]") {
  secured d(login_as({mechanism::plain}));
  d.begin_login("PLAIN");
  CHECK(d.server("501 5.5.4 syntax\r\n") == "AUTH PLAIN\r\n");
  CHECK(d.server("334\r\n") == "AHRpbQBnZWhlaW0=\r\n");
  d.server("235 ok\r\n");
  CHECK(d.session().state() == client_state::mail);
}

TEST_CASE("client: an initial response that makes its line longer than 512 octets is sent without it",
          "[mail][client]") {
  const auto begins_with = [](mechanism which, std::size_t token) {
    login_parameters login = login_as({which});
    login.password = secret(std::string(token, 'x'));
    secured d(std::move(login));
    d.submit({"a@example.org"});
    std::string said = d.begin_login(name_of(which));
    if (said != fmt::format("AUTH {}\r\n", name_of(which))) return said.size();
    CHECK(said.size() - 1 + d.server("334 \r\n").size() > 512);  // as one line, with a blank in place of the CRLF
    CHECK_THAT(d.server("235 ok\r\n"), ContainsSubstring("MAIL FROM:"));
    return said.size();
  };
  CHECK(begins_with(mechanism::xoauth2, 100) > 100);
  CHECK(begins_with(mechanism::xoauth2, 3000) == 14);
  CHECK(begins_with(mechanism::oauthbearer, 3000) == 18);
  CHECK(begins_with(mechanism::plain, 3000) == 12);
  // `AUTH PLAIN `, Base64 in groups of 4, CRLF: the longest line has 509 octets.
  CHECK(begins_with(mechanism::plain, 367) == 509);
  CHECK(begins_with(mechanism::plain, 368) == 12);
}

TEST_CASE("client: a server that overlooks the initial response gets it again", "[mail][client]") {
  secured d(login_as({mechanism::plain}));
  d.begin_login("PLAIN");
  CHECK(d.server("334 \r\n") == "AHRpbQBnZWhlaW0=\r\n");
  d.server("334 \r\n");
  d.server("501 cancelled\r\n");
  CHECK(d.session().session().error().code == errc::peer_protocol);
}

TEST_CASE("client: LOGIN answers whatever is asked", "[mail][client]") {
  secured d(login_as({mechanism::login}));
  CHECK(d.begin_login("LOGIN") == "AUTH LOGIN\r\n");
  CHECK(d.server("334 Username?\r\n") == "dGlt\r\n");
  CHECK(d.server("334\r\n") == "Z2VoZWlt\r\n");
  CHECK_THAT(d.transcript, !ContainsSubstring("Z2Vo"));
  d.server("235 ok\r\n");
  CHECK(d.session().state() == client_state::mail);
}

TEST_CASE("client: a challenge that makes no sense is cancelled", "[mail][client]") {
  secured d(login_as({mechanism::cram_md5}));
  d.begin_login("CRAM-MD5");
  CHECK(d.server("334 !!!\r\n") == "*\r\n");
  d.server("501 cancelled\r\n");
  CHECK(d.session().session().error().code == errc::peer_protocol);
}

TEST_CASE("client: a login refused is told with the server's words", "[mail][client]") {
  secured d(login_as({mechanism::plain, mechanism::login}));
  d.submit({"a@example.org"});
  d.begin_login("PLAIN LOGIN");
  SECTION("for good: no other mechanism is tried") {
    CHECK(d.server("535 5.7.8 bad credentials\r\n").empty());
    CHECK(test::why(d.session().session()) == "login as tim (PLAIN): 535 5.7.8 bad credentials");
    CHECK(d.session().session().error().code == errc::not_permitted);
  }
  SECTION("for now") {
    d.server("454 4.7.0 temporary\r\n");
    CHECK(d.session().session().error().code == errc::try_later);
  }
  SECTION("because the mechanism is too weak: the next one") {
    CHECK(d.server("534 5.7.9 too weak\r\n") == "AUTH LOGIN\r\n");
  }
}

TEST_CASE("client: the first mechanism on our list that the server offers is used", "[mail][client]") {
  secured d(login_as({mechanism::scram_sha_256_plus, mechanism::scram_sha_256, mechanism::plain}));
  CHECK_THAT(d.begin_login("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS"), ContainsSubstring("AUTH SCRAM-SHA-256 "));
}

TEST_CASE("client: a login that cannot be is an error, and nothing is sent without it", "[mail][client]") {
  SECTION("not offered at all") {
    secured d(login_as({mechanism::plain}));
    d.submit({"a@example.org"});
    CHECK(d.begin_login("").empty());
    CHECK(d.session().session().error().code == errc::not_permitted);
  }
  SECTION("other mechanisms are offered") {
    secured d(login_as({mechanism::plain}));
    CHECK(d.begin_login("GSSAPI NTLM").empty());
    CHECK(test::why(d.session().session()) == "login: the server offers GSSAPI, NTLM, not PLAIN");
  }
  SECTION("no TLS") {
    auto with = dialogue::plain();
    with.login = login_as({mechanism::plain, mechanism::scram_sha_256});
    dialogue d(std::move(with));
    CHECK(d.begin("AUTH=PLAIN").empty());
    CHECK(d.session().session().error().code == errc::not_permitted);
  }
}

TEST_CASE("client: a token refused is told with the server's reason", "[mail][client]") {
  secured d(login_as({mechanism::xoauth2}));
  d.begin_login("XOAUTH2");
  CHECK(d.server("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n") == "\r\n");
  d.server("535 5.7.8 no\r\n");
  CHECK(test::why(d.session().session()) == "login as tim (XOAUTH2): 535 5.7.8 no; {\"status\":\"401\"}");
}

}  // namespace netlab::mail::client_test
