// SPDX-License-Identifier: MIT
// MAIL and RCPT.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "dialogue.hpp"

namespace netlab::mail::mail_test {

using namespace test_server;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

struct expectation {
  std::string line;
  std::string answer;
};

std::vector<address_pattern> patterns(std::string_view text) { return {address_pattern::parse(text).value()}; }

}  // namespace

TEST_CASE("server: MAIL takes what RFC 5321 and the extensions let it", "[mail][server]") {
  const auto one = GENERATE(values<expectation>({
      {"<a@b.example>", "250 2.1.0"},
      {"<>", "250 2.1.0"},
      {" <a@b.example>", "250 2.1.0"},
      {"<a@b.example>  SIZE=10", "250 2.1.0"},
      {"<\"a>b\"@c.example>", "250 2.1.0"},
      {"<a@[192.0.2.1]>", "250 2.1.0"},
      {"<a@[IPv6:2001:db8::1]>", "250 2.1.0"},
      {"<@one.example,@two.example:a@b.example>", "250 2.1.0"},
      {"<a@b.example> body=8bitmime smtputf8 size=1 ret=hdrs envid=QQ+3D314", "250 2.1.0"},
      {"<j\xc3\xb6rg@b.example> SMTPUTF8", "250 2.1.0"},
      {"<j\xc3\xb6rg@b.example>", "553 5.6.7"},
      {"<a@b\xc3\xbc.example>", "553 5.6.7"},
      {"<j\xc3@b.example> SMTPUTF8", "553 5.1.7"},
      {"<joe>", "553 5.1.7"},
      {"<a@>", "553 5.1.7"},
      {"<@b.example>", "553 5.1.7"},
      {"<a b@c.example>", "553 5.1.7"},
      {"< a@b.example>", "553 5.1.7"},
      {"<<a@b.example>>", "501 5.5.4"},
      {"<a..b@c.example>", "553 5.1.7"},
      {"a@b.example", "501 5.5.4"},
      {"<a@b.example", "501 5.5.4"},
      {"<a@b.example>SIZE=1", "501 5.5.4"},
      {"", "501 5.5.4"},
      {"<a@b.example> SIZE", "501 5.5.4"},
      {"<a@b.example> SIZE=", "501 5.5.4"},
      {"<a@b.example> SIZE=-1", "501 5.5.4"},
      {"<a@b.example> SIZE=1x", "501 5.5.4"},
      {"<a@b.example> SIZE=99999999999999999999", "552 5.3.4"},
      {"<a@b.example> SIZE=000000000000000000001", "501 5.5.4"},
      {"<a@b.example> SIZE=33554433", "552 5.3.4"},
      {"<a@b.example> SIZE=33554432", "250 2.1.0"},
      {"<a@b.example> SIZE=1 SIZE=2", "501 5.5.4"},
      {"<a@b.example> SIZE=1 size=2", "501 5.5.4"},
      {"<a@b.example> BODY=BINARYMIME", "250 2.1.0"},
      {"<a@b.example> BODY=16BIT", "555 5.5.4"},
      {"<a@b.example> BODY", "555 5.5.4"},
      {"<a@b.example> SMTPUTF8=yes", "501 5.5.4"},
      {"<a@b.example> RET=SOME", "501 5.5.4"},
      {"<a@b.example> ENVID", "501 5.5.4"},
      {"<a@b.example> ENVID=a+3g", "501 5.5.4"},
      {"<a@b.example> ENVID=a+3", "501 5.5.4"},
      {"<a@b.example> ENVID=a=b", "501 5.5.4"},
      {"<a@b.example> X-WHAT=1", "555 5.5.4"},
      {"<a@b.example> X-WHAT", "555 5.5.4"},
      {"<a@b.example> NOTIFY=NEVER", "555 5.5.4"},
      {"<a@b.example> AUTH=<>", "555 5.5.4"},  // AUTH is not offered here
      {"<a@b.example> -X=1", "501 5.5.4"},
      {"<a@b.example> =1", "501 5.5.4"},
  }));
  CAPTURE(one.line);
  dialogue d;
  d.begin();
  CHECK_THAT(d.client("MAIL FROM:" + one.line + "\r\n"), StartsWith(one.answer + " "));
  const std::string next = d.client("MAIL FROM:<next@example.org>\r\n");
  CHECK_THAT(next, StartsWith(one.answer.starts_with('2') ? "503 5.5.1 " : "250 2.1.0 "));
}

TEST_CASE("server: a refused MAIL leaves nothing behind", "[mail][server]") {
  dialogue d;
  d.begin();
  static_cast<void>(d.client("MAIL FROM:<a@b.example> SMTPUTF8 ENVID=x RET=FULL BODY=8BITMIME SIZE=1 X=1\r\n"));
  CHECK_THAT(d.client("MAIL FROM:<>\r\n"), StartsWith("250 "));
  const envelope& now = d.session.current();
  CHECK_FALSE(now.sender);
  CHECK_FALSE(now.smtputf8);
  CHECK(now.envid.empty());
  CHECK(now.ret.empty());
  CHECK(now.body == body_type::seven_bit);
  CHECK(now.declared_size == 0);
}

TEST_CASE("server: a source route is ignored", "[mail][server]") {
  dialogue d;
  d.begin();
  static_cast<void>(d.client("MAIL FROM:<@one.example,@two.example:a@b.example>\r\n"));
  CHECK(d.session.current().sender_text() == "a@b.example");
}

TEST_CASE("server: the inbox is told all of the envelope", "[mail][server]") {
  dialogue d;
  d.begin();
  static_cast<void>(
      d.client("MAIL FROM:<a@b.example> SIZE=7 BODY=8BITMIME SMTPUTF8 RET=full ENVID=QQ314\r\n"
               "RCPT TO:<c@d.example> NOTIFY=success,Delay ORCPT=rfc822;c+2B1@d.example\r\n"
               "RCPT TO:<e@f.example>\r\nDATA\r\n.\r\n"));
  REQUIRE(d.store.messages.size() == 1);
  const envelope& got = d.store.messages[0].from;
  CHECK(got.declared_size == 7);
  CHECK(got.body == body_type::eight_bit_mime);
  CHECK(got.smtputf8);
  CHECK(got.ret == "FULL");
  CHECK(got.envid == "QQ314");
  REQUIRE(got.recipients.size() == 2);
  CHECK(got.recipients[0].notify == "SUCCESS,DELAY");
  CHECK(got.recipients[0].orcpt == "rfc822;c+2B1@d.example");
  CHECK(got.recipients[1].address.to_string() == "e@f.example");
  CHECK(got.recipients[1].notify.empty());
}

TEST_CASE("server: RCPT takes what RFC 5321 and DSN let it", "[mail][server]") {
  const auto one = GENERATE(values<expectation>({
      {"<a@b.example>", "250 2.1.5"},
      {"<postmaster>", "250 2.1.5"},
      {"<PostMaster>", "250 2.1.5"},
      {"<postmaster@b.example>", "250 2.1.5"},
      {"<@x.example:a@b.example>", "250 2.1.5"},
      {"<>", "553 5.1.3"},
      {"<joe>", "553 5.1.3"},
      {"joe@b.example", "501 5.5.4"},
      {"<j\xc3\xb6rg@b.example>", "553 5.6.7"},
      {"<a@b.example> NOTIFY=NEVER", "250 2.1.5"},
      {"<a@b.example> NOTIFY=SUCCESS,FAILURE,DELAY", "250 2.1.5"},
      {"<a@b.example> NOTIFY=NEVER,SUCCESS", "501 5.5.4"},
      {"<a@b.example> NOTIFY=SUCCESS,SUCCESS", "501 5.5.4"},
      {"<a@b.example> NOTIFY=SOMETIMES", "501 5.5.4"},
      {"<a@b.example> NOTIFY=", "501 5.5.4"},
      {"<a@b.example> NOTIFY", "501 5.5.4"},
      {"<a@b.example> ORCPT=rfc822;a@b.example", "250 2.1.5"},
      {"<a@b.example> ORCPT=rfc822;a+b", "501 5.5.4"},
      {"<a@b.example> ORCPT=a@b.example", "501 5.5.4"},
      {"<a@b.example> ORCPT=;a", "501 5.5.4"},
      {"<a@b.example> ORCPT=rfc822;", "501 5.5.4"},
      {"<a@b.example> ORCPT=rfc822;j\xc3\xb6", "501 5.5.4"},
      {"<a@b.example> SIZE=1", "555 5.5.4"},
  }));
  CAPTURE(one.line);
  dialogue d;
  d.begin();
  static_cast<void>(d.client("MAIL FROM:<s@example.org>\r\n"));
  CHECK_THAT(d.client("RCPT TO:" + one.line + "\r\n"), StartsWith(one.answer + " "));
  CHECK(d.session.current().recipients.size() == (one.answer.starts_with('2') ? 1 : 0));
}

TEST_CASE("server: with SMTPUTF8 a recipient and its ORCPT may be UTF-8", "[mail][server]") {
  dialogue d;
  d.begin();
  static_cast<void>(d.client("MAIL FROM:<s@example.org> SMTPUTF8\r\n"));
  CHECK_THAT(d.client("RCPT TO:<j\xc3\xb6rg@b\xc3\xbc"
                      "cher.example> ORCPT=utf-8;j\xc3\xb6rg@x\r\n"),
             StartsWith("250 "));
  CHECK(d.session.current().recipients[0].address.ascii_domain == "xn--bcher-kva.example");
}

TEST_CASE("server: a HELO session takes no parameters", "[mail][server]") {
  dialogue d;
  static_cast<void>(d.client("HELO c\r\n"));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example> SIZE=1\r\n"), StartsWith("555 5.5.4 "));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("250 "));
  CHECK_THAT(d.client("RCPT TO:<a@b.example> NOTIFY=NEVER\r\n"), StartsWith("555 5.5.4 "));
}

TEST_CASE("server: a recipient too many is refused for now", "[mail][server]") {
  server_parameters with = dialogue::plain();
  with.limits.recipients = 2;
  dialogue d(with);
  d.begin_message();
  CHECK_THAT(d.client("RCPT TO:<b@b.example>\r\n"), StartsWith("250 2.1.5 "));
  CHECK_THAT(d.client("RCPT TO:<c@b.example>\r\n"), StartsWith("452 4.5.3 "));
  CHECK_THAT(d.client("DATA\r\n.\r\n"), ContainsSubstring("250 2.0.0 "));
  CHECK(d.store.messages[0].from.recipients.size() == 2);
}

TEST_CASE("server: recipients are refused as it was told", "[mail][server]") {
  server_parameters with = dialogue::plain();
  with.reject = patterns("no@example.org");
  with.tempfail = patterns("@later.example");
  dialogue d(with);
  d.begin();
  static_cast<void>(d.client("MAIL FROM:<s@example.org>\r\n"));
  CHECK_THAT(d.client("RCPT TO:<No@Example.Org>\r\n"), StartsWith("550 5.1.1 "));
  CHECK_THAT(d.client("RCPT TO:<x@LATER.example>\r\n"), StartsWith("451 4.2.1 "));
  CHECK_THAT(d.client("DATA\r\n"), StartsWith("554 5.5.1 "));
  CHECK_THAT(d.client("RCPT TO:<yes@example.org>\r\n"), StartsWith("250 2.1.5 "));
  CHECK_THAT(d.client("DATA\r\n.\r\n"), ContainsSubstring("250 2.0.0 "));
  CHECK(d.session.counts().refused_recipients == 2);
  CHECK_THAT(d.watch.events, StartsWith("refused 550 5.1.1 There is no such user\nrefused 451 4.2.1 "));
}

}  // namespace netlab::mail::mail_test
