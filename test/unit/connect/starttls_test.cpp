// SPDX-License-Identifier: MIT
#include "connect/starttls.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/cut.hpp"
#include "support/failure.hpp"
#include "support/octets.hpp"

namespace netlab::connect::starttls_test {

using namespace test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

constexpr time_point start{};

/// What the server sends, and what the client is expected to answer.
struct exchange {
  std::string from_server;
  std::string from_client;
};

/// Plays the server: sends each message after the client's answer to the one before.
std::string talk(starttls_protocol protocol, const std::vector<exchange>& script, bool one_at_a_time = false) {
  const auto client = make_starttls({.protocol = protocol, .host = "example.org", .helo = "[192.0.2.1]"}, start);
  std::string from_client;
  const auto take_output = [&] {
    const bytes output = client->take_output();
    from_client += as_text(output);
  };
  take_output();
  for (const exchange& each : script) {
    if (one_at_a_time)
      for (const std::string_view piece : one_octet_at_a_time(each.from_server)) client->feed(as_bytes(piece), start);
    else
      client->feed(as_bytes(each.from_server), start);
    from_client.clear();
    take_output();
    if (from_client != each.from_client) return "sent " + hex(from_client) + " instead of " + hex(each.from_client);
  }
  if (!client->done()) return "not done";
  return why(client->outcome());
}

struct good_talk {
  starttls_protocol protocol;
  std::vector<exchange> script;
};

const std::string mysql_greeting = octets(
    "4a000000 0a '8.0.36' 00 01000000 '12345678' 00 ff ff ff 0200 ff cf 15 00000000000000000000 "
    "'123456789012' 00 'caching_sha2_password' 00");

std::vector<good_talk> good_talks() {
  using enum starttls_protocol;
  return {
      {smtp,
       {{"220-mail.example.org\r\n220 ESMTP\r\n", "EHLO [192.0.2.1]\r\n"},
        {"250-mail.example.org\r\n250-SIZE 1000\r\n250-starttls\r\n250 HELP\r\n", "STARTTLS\r\n"},
        {"220 2.0.0 Ready\r\n", ""}}},
      {lmtp,
       {{"220 lmtp\r\n", "LHLO [192.0.2.1]\r\n"}, {"250-x\r\n250 STARTTLS\r\n", "STARTTLS\r\n"}, {"220 go\r\n", ""}}},
      {imap,
       {{"* OK [CAPABILITY IMAP4rev1] ready\r\n", "a1 CAPABILITY\r\n"},
        {"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n", "a2 STARTTLS\r\n"},
        {"a2 OK begin\r\n", ""}}},
      {pop3, {{"+OK ready <1@x>\r\n", "STLS\r\n"}, {"+OK begin\r\n", ""}}},
      {ftp, {{"220-Welcome\r\n  to it\r\n221 not the end\r\n220 now it is\r\n", "AUTH TLS\r\n"}, {"234 go\r\n", ""}}},
      {nntp, {{"200 posting allowed\r\n", "STARTTLS\r\n"}, {"382 go\r\n", ""}}},
      {sieve,
       {{"\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n", "STARTTLS\r\n"}, {"OK \"begin\"\r\n", ""}}},
      {postgres, {{"S", ""}}},
      {mysql, {{mysql_greeting, octets("20000001 008a0000 00000001 21") + std::string(23, '\0')}}},
      {ldap, {{octets("300c 020101 7807 0a0100 0400 0400"), ""}}},
      {xmpp,
       {{"<?xml version='1.0'?><stream:stream from='example.org' id='1' version='1.0' "
         "xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><stream:features>"
         "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
         "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
        {"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", ""}}},
  };
}

result<void> end_of(starttls_protocol protocol, std::string_view from_server) {
  const auto client = make_starttls({.protocol = protocol, .host = "example.org"}, start);
  client->feed(as_bytes(from_server), start);
  if (!client->done()) return fail(errc::internal, "not done");
  return client->outcome();
}

}  // namespace

TEST_CASE("starttls: every protocol agrees on TLS, however its octets come", "[connect][starttls]") {
  for (const good_talk& each : good_talks()) {
    INFO(name_of(each.protocol));
    CHECK(talk(each.protocol, each.script) == "no failure");
    CHECK(talk(each.protocol, each.script, true) == "no failure");
  }
}

TEST_CASE("starttls: octets behind the server's consent end it, in one piece or after it", "[connect][starttls]") {
  for (good_talk each : good_talks()) {
    INFO(name_of(each.protocol));
    for (const std::string_view extra : {"\n", "250 x\r\n", "\x16\x03\x01"}) {
      auto script = each.script;
      script.back().from_server += extra;
      CHECK(talk(each.protocol, script).starts_with("unencrypted octets arrived between"));
      CHECK(talk(each.protocol, script, true).starts_with("unencrypted octets arrived between"));
    }
  }
}

TEST_CASE("starttls: a server that ends, or says nothing, or too much", "[connect][starttls]") {
  for (const good_talk& each : good_talks()) {
    INFO(name_of(each.protocol));
    const auto make = [&] { return make_starttls({.protocol = each.protocol, .timeout = 5s}, start); };
    auto client = make();
    client->eof(start);
    CHECK(failed_with(client->outcome(), errc::closed_by_peer));

    client = make();
    CHECK(client->deadline() == start + 5s);
    client->tick(start + 4s);
    CHECK_FALSE(client->done());
    client->tick(start + 5s);
    CHECK(failed_with(client->outcome(), errc::timed_out));

    client = make();
    const std::string noise(1000, ' ');
    for (int at = 0; at < 100 && !client->done(); ++at) client->feed(as_bytes(noise), start);
    REQUIRE(client->done());
    CHECK(failed_with(client->outcome(), errc::peer_protocol));
  }
}

TEST_CASE("starttls: each answer has its own deadline", "[connect][starttls]") {
  const auto client = make_starttls({.protocol = starttls_protocol::smtp, .timeout = 5s}, start);
  client->feed(as_bytes("220 x\r\n"), start + 4s);
  CHECK(client->deadline() == start + 9s);
}

TEST_CASE("starttls: what a server does not offer is refused, in its own words", "[connect][starttls]") {
  using enum starttls_protocol;
  CHECK(talk(smtp, {{"220 x\r\n", "EHLO [192.0.2.1]\r\n"}, {"250-x\r\n250 XSTARTTLS\r\n", ""}}) ==
        "the server does not offer STARTTLS");
  CHECK(talk(smtp, {{"220 x\r\n", "EHLO [192.0.2.1]\r\n"}, {"502 what\r\n", ""}}) ==
        "the server supports no extensions, so no STARTTLS: 502 what");
  CHECK(talk(imap, {{"* OK\r\n", "a1 CAPABILITY\r\n"}, {"* CAPABILITY IMAP4rev1\r\na1 OK x\r\n", ""}}) ==
        "the server does not offer STARTTLS");
  CHECK(talk(sieve, {{"OK\r\n", ""}}) == "the server does not offer STARTTLS");
  CHECK(talk(postgres, {{"N", ""}}) == "the server does not offer TLS");
  CHECK(talk(ftp, {{"220 x\r\n", "AUTH TLS\r\n"}, {"534 no\x1b[31m\r\n", ""}}) ==
        "the server refuses TLS: 534 no\\x1b[31m");
  CHECK(talk(ldap, {{octets("300e 020101 7809 0a0102 0400 0402 'no'"), ""}}) ==
        "the server refuses StartTLS (LDAP result 2): no");
  CHECK(talk(xmpp, {{"<stream:stream><stream:features><bind/></stream:features>", ""}}) ==
        "the server does not offer STARTTLS");
}

TEST_CASE("starttls: the kinds of refusal are told apart", "[connect][starttls]") {
  using enum starttls_protocol;
  CHECK(failed_with(end_of(smtp, "421 later\r\n"), errc::try_later));
  CHECK(failed_with(end_of(smtp, "554 no\r\n"), errc::rejected));
  CHECK(failed_with(end_of(smtp, "SSH-2.0-x\r\n"), errc::peer_protocol));
  CHECK(failed_with(end_of(smtp, "354 go on\r\n"), errc::rejected));
  CHECK(failed_with(end_of(imap, "* BYE\r\n"), errc::rejected));
  CHECK(failed_with(end_of(imap, "* PREAUTH x\r\n"), errc::rejected));
  CHECK(failed_with(end_of(pop3, "-ERR\r\n"), errc::rejected));
  CHECK(failed_with(end_of(pop3, "hello\r\n"), errc::peer_protocol));
  CHECK(failed_with(end_of(ldap, octets("300c 020101 7807 0a0134 0400 0400")), errc::try_later));
  CHECK(failed_with(end_of(ldap, "HTTP/1.1 400\r\n"), errc::peer_protocol));
  CHECK(failed_with(end_of(ldap, octets("3084 7fffffff")), errc::peer_protocol));
  CHECK(failed_with(end_of(ldap, octets("3080")), errc::peer_protocol));
  CHECK(failed_with(end_of(mysql, octets("05000000 0a '5.5' 00")), errc::peer_protocol));
  CHECK(failed_with(end_of(mysql, octets("0b000000 ff 1004 'too many'")), errc::rejected));
  CHECK(failed_with(end_of(postgres, "H"), errc::peer_protocol));
  CHECK(failed_with(end_of(xmpp, "<stream:error><host-unknown/></stream:error>"), errc::rejected));
  CHECK(failed_with(end_of(smtp, std::string(9000, 'x')), errc::peer_protocol));
}

TEST_CASE("starttls: the talk can be followed", "[connect][starttls]") {
  std::string seen;
  const auto client = make_starttls({.protocol = starttls_protocol::pop3,
                                     .trace =
                                         [&](char who, std::string_view line) {
                                           seen += who;
                                           seen += std::string(line) + "|";
                                         }},
                                    start);
  client->feed(as_bytes("+OK hello\r\n+OK go\r\n"), start);
  CHECK(seen == "S+OK hello|CSTLS|S+OK go|");
}

TEST_CASE("starttls: names of protocols", "[connect][starttls]") {
  for (const good_talk& each : good_talks()) CHECK(parse_starttls(name_of(each.protocol)) == each.protocol);
  CHECK(why(parse_starttls("smpt")) == "unknown STARTTLS protocol 'smpt' (did you mean 'smtp'?)");
  CHECK(failed_with(parse_starttls(""), errc::usage));
}

TEST_CASE("starttls: how TLS usually begins at a port", "[connect][unit]") {
  CHECK(usual_tls(587) == "smtp");
  CHECK(usual_tls(10587) == "smtp");
  CHECK(usual_tls(5432) == "postgres");
  CHECK(usual_tls(465) == "");
  CHECK(usual_tls(10465) == "");
  CHECK_FALSE(usual_tls(50000));
}

}  // namespace netlab::connect::starttls_test
