// SPDX-License-Identifier: MIT
// Deliberate faults as a client sees them.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "base/base64.hpp"
#include "dialogue.hpp"
#include "mail/client/client.hpp"
#include "support/failure.hpp"
#include "support/pair.hpp"

namespace netlab::mail::faults_test {

using namespace test_server;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

server_parameters plain_with_login() {
  server_parameters with = with_users();
  with.login_in_clear = true;
  return with;
}

/// A server with this fault.
struct faulty {
  explicit faulty(std::string_view fault) {
    REQUIRE(plan.add(fault));
    with = plain_with_login();
    with.faults = &plan;
  }
  fault_plan plan;
  server_parameters with;
};

const std::string good_plain = encode_base64(as_bytes(std::string_view("\0tim\0geheim", 11)));

/// A client's lines, one for each stage of a fault.
const std::vector<std::pair<fault_stage, std::string>>& lines() {
  static const std::vector<std::pair<fault_stage, std::string>> all{
      {fault_stage::ehlo, "EHLO c\r\n"},
      {fault_stage::auth, "AUTH PLAIN " + good_plain + "\r\n"},
      {fault_stage::mail, "MAIL FROM:<s@example.org>\r\n"},
      {fault_stage::rcpt, "RCPT TO:<r@example.org>\r\n"},
      {fault_stage::data, "DATA\r\n"},
      {fault_stage::end, "x\r\n.\r\n"},
      {fault_stage::quit, "QUIT\r\n"},
  };
  return all;
}

/// The server's answer at the stage; checks that the answers before and after it are the usual ones.
std::string at_stage(dialogue& d, fault_stage stage) {
  std::string said = d.said();
  if (stage == fault_stage::connect) return said;
  CHECK(said == "220 mx.example ESMTP netlab\r\n");
  if (stage == fault_stage::starttls || stage == fault_stage::handshake) {
    static_cast<void>(d.client("EHLO c\r\n"));
    return d.client("STARTTLS\r\n");
  }
  for (const auto& [at, line] : lines()) {
    said = d.client(line);
    if (at == stage) return said;
    CHECK_THAT(said, StartsWith("2") || StartsWith("3"));
  }
  FAIL("no such stage");
  return {};
}

}  // namespace

TEST_CASE("server fault: a said answer takes the usual one's place, and the command does nothing",
          "[mail][server][fault]") {
  for (const fault& each : all_faults()) {
    if (each.does != fault_action::say && each.does != fault_action::say_and_close) continue;
    CAPTURE(each.name);
    faulty f(each.name);
    dialogue d(f.with);
    const std::string said = at_stage(d, each.at);
    CHECK(said == each.words);
    CHECK(d.session.done() == (each.does == fault_action::say_and_close));
    CHECK(d.store.messages.empty());
    CHECK(d.store.commits == 0);
    CHECK_FALSE(d.session.wants_tls());
    CHECK(d.session.counts().faults == 1);
    CHECK_THAT(d.watch.events, ContainsSubstring(fmt::format("fault {}\n", each.name)));
    CHECK((!d.session.done() || d.watch.events.find("ended fault") != std::string::npos));
  }
}

TEST_CASE("server fault: a closed connection has no answer", "[mail][server][fault]") {
  for (const fault& each : all_faults()) {
    if (each.does != fault_action::close) continue;
    CAPTURE(each.name);
    faulty f(each.name);
    dialogue d(f.with);
    CHECK(at_stage(d, each.at) == (each.at == fault_stage::handshake ? "220 2.0.0 Begin TLS\r\n" : ""));
    CHECK(d.session.done());
    CHECK_FALSE(d.session.wants_tls());
    CHECK(d.store.messages.size() == (each.at == fault_stage::quit ? 1 : 0));
  }
}

TEST_CASE("server fault: who hangs says nothing more, until the session ends", "[mail][server][fault]") {
  for (const fault& each : all_faults()) {
    if (each.does != fault_action::hang) continue;
    CAPTURE(each.name);
    faulty f(each.name);
    dialogue d(f.with);
    CHECK(at_stage(d, each.at) == (each.at == fault_stage::handshake ? "220 2.0.0 Begin TLS\r\n" : ""));
    CHECK_FALSE(d.session.done());
    CHECK_FALSE(d.session.wants_tls());
    CHECK(d.client("NOOP\r\nQUIT\r\n").empty());
    CHECK(d.session.deadline() == time_point(1h) + f.with.timeouts.session);
    d.session.eof(d.now);
    CHECK(d.session.done());
    CHECK(d.store.messages.size() == (each.at == fault_stage::quit ? 1 : 0));
  }
}

TEST_CASE("server fault: the last answer is kept back, but the message is stored", "[mail][server][fault]") {
  const std::string name = GENERATE(as<std::string>{}, "close-end-stored", "hang-end-stored");
  faulty f(name);
  dialogue d(f.with);
  CHECK(at_stage(d, fault_stage::end).empty());
  CHECK(d.store.messages.size() == 1);
  CHECK(d.session.done() == name.starts_with("close"));
  CHECK(d.session.counts().accepted == 1);
}

TEST_CASE("server fault: a message that is answered with 250 is lost", "[mail][server][fault]") {
  faulty f("lose-message");
  dialogue d(f.with);
  CHECK_THAT(at_stage(d, fault_stage::end), StartsWith("250 2.0.0 "));
  CHECK(d.store.messages.empty());
  CHECK(d.store.abandoned == 1);
}

TEST_CASE("server fault: BDAT is DATA for a fault", "[mail][server][fault]") {
  faulty f("tempfail-data:once");
  dialogue d(f.with);
  d.begin_message();
  CHECK(d.client("BDAT 6 LAST\r\nQUIT\r\n") == "451 4.3.0 Try again later\r\n");
  CHECK_FALSE(d.session.done());
  static_cast<void>(d.client("MAIL FROM:<s@example.org>\r\nRCPT TO:<r@example.org>\r\n"));
  CHECK_THAT(d.client("BDAT 3 LAST\r\na\r\n"), StartsWith("250 "));
}

TEST_CASE("server fault: STARTTLS is taken out", "[mail][server][fault]") {
  faulty f("no-starttls");
  dialogue d(f.with);
  static_cast<void>(d.said());
  CHECK_THAT(d.client("EHLO c\r\n"), !ContainsSubstring("STARTTLS"));
  CHECK_THAT(d.client("STARTTLS\r\n"), StartsWith("502 "));
}

TEST_CASE("server fault: octets in clear follow the answer to STARTTLS", "[mail][server][fault]") {
  faulty f("inject-starttls");
  dialogue d(f.with);
  CHECK(at_stage(d, fault_stage::starttls) == "220 2.0.0 Begin TLS\r\n250 2.0.0 Injected in clear\r\n");
  CHECK(d.session.wants_tls());
}

TEST_CASE("server fault: octets that are no TLS answer the client's first word", "[mail][server][fault]") {
  faulty f("garbage-handshake");
  dialogue d(f.with);
  CHECK(at_stage(d, fault_stage::handshake) == "220 2.0.0 Begin TLS\r\n");
  CHECK_FALSE(d.session.wants_tls());
  CHECK_THAT(d.client("\x16\x03\x01"), ContainsSubstring("not TLS"));
  CHECK(d.session.done());
}

TEST_CASE("server fault: two answers to one EHLO", "[mail][server][fault]") {
  faulty f("extra-reply");
  dialogue d(f.with);
  static_cast<void>(d.said());
  CHECK_THAT(d.client("EHLO c\r\n"), EndsWith("250 ENHANCEDSTATUSCODES\r\n550 5.0.0 Nobody asked for this\r\n"));
  CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("server fault: an answer has a line of 1 MiB", "[mail][server][fault]") {
  faulty f(GENERATE("long-line-ehlo", "long-line-rcpt", "long-line-end"));
  dialogue d(f.with);
  const std::string said = at_stage(d, f.plan.entries().front().definition().at);
  CHECK(said.size() == (1 << 20) + 2);
  CHECK(said.find("\r\n") == said.size() - 2);
  CHECK(d.store.messages.empty());
}

TEST_CASE("server fault: an answer has no end, and is made only as it is taken", "[mail][server][fault]") {
  faulty f("endless-ehlo");
  memory_inbox store;
  server session(f.with, store, nullptr, {.peer = "::1"}, time_point(1h));
  static_cast<void>(session.take_output());
  session.feed(as_bytes("EHLO c\r\n"), time_point(1h));
  for (int turn = 0; turn < 100; ++turn) {
    const bytes some = session.take_output();
    CHECK(some.size() >= 1000);
    CHECK(some.size() < 64 * 1024);
    CHECK(as_text(some).starts_with("250-"));
    CHECK(as_text(some).ends_with("\r\n"));
  }
  CHECK_FALSE(session.done());
  session.tick(session.deadline().value());
  CHECK(session.done());
}

TEST_CASE("server fault: answers are sent octet by octet", "[mail][server][fault]") {
  faulty f("split-replies");
  memory_inbox store;
  server session(f.with, store, nullptr, {.peer = "::1"}, time_point(1h));
  session.feed(as_bytes("QUIT\r\n"), time_point(1h));
  std::string all;
  while (!session.done()) {
    const bytes some = session.take_output();
    REQUIRE(some.size() == 1);
    all += as_text(some);
  }
  CHECK(all == "220 mx.example ESMTP netlab\r\n221 2.0.0 Bye\r\n");
}

TEST_CASE("server fault: answers are late", "[mail][server][fault]") {
  faulty f("delay-replies:delay=250ms");
  dialogue d(f.with);
  CHECK(d.said().empty());
  CHECK(d.session.deadline() == d.now + 250ms);
  d.now += 250ms;
  d.session.tick(d.now);
  CHECK(d.said() == "220 mx.example ESMTP netlab\r\n");
  CHECK(d.client("QUIT\r\n").empty());
  CHECK_FALSE(d.session.done());
  CHECK(d.session.deadline() == d.now + 250ms);
  d.now += 250ms;
  d.session.tick(d.now);
  CHECK(d.said() == "221 2.0.0 Bye\r\n");
  CHECK(d.session.done());
}

TEST_CASE("server fault: changes of the whole session go together", "[mail][server][fault]") {
  faulty f("split-replies");
  REQUIRE(f.plan.add("no-starttls"));
  REQUIRE(f.plan.add("small-size"));
  dialogue d(f.with);
  static_cast<void>(d.said());
  const std::string said = d.client("EHLO c\r\n");
  CHECK_THAT(said, ContainsSubstring("250-SIZE 1000\r\n") && !ContainsSubstring("STARTTLS"));
  CHECK_THAT(d.client("MAIL FROM:<s@example.org> SIZE=1001\r\n"), StartsWith("552 5.3.4 "));
  static_cast<void>(d.client("MAIL FROM:<s@example.org>\r\nRCPT TO:<r@example.org>\r\nDATA\r\n"));
  CHECK_THAT(d.client(std::string(900, 'x') + "\r\n" + std::string(100, 'x') + "\r\n.\r\n"), StartsWith("552 5.3.4 "));
}

TEST_CASE("server fault: what only DATA can show leaves nobody to BDAT", "[mail][server][fault]") {
  faulty f(GENERATE("close-content", "surprise-data"));
  dialogue d(f.with);
  static_cast<void>(d.said());
  CHECK_THAT(d.client("EHLO c\r\n"), !ContainsSubstring("CHUNKING"));
}

TEST_CASE("server fault: what was offered is refused", "[mail][server][fault]") {
  faulty f("lie-ehlo");
  dialogue d(f.with);
  static_cast<void>(d.said());
  CHECK_THAT(d.client("EHLO c\r\n"), ContainsSubstring("250-CHUNKING\r\n"));
  CHECK_THAT(d.client("MAIL FROM:<s@example.org> SIZE=1\r\n"), StartsWith("555 "));
  static_cast<void>(d.client("MAIL FROM:<s@example.org>\r\nRCPT TO:<r@example.org>\r\n"));
  CHECK_THAT(d.client("BDAT 6 LAST\r\nQUIT\r\n"), StartsWith("502 "));
  CHECK_FALSE(d.session.done());
}

TEST_CASE("server fault: AUTH goes wrong, and then right", "[mail][server][fault]") {
  SECTION("no initial response") {
    faulty f("auth-no-initial");
    dialogue d(f.with);
    CHECK_THAT(at_stage(d, fault_stage::auth), StartsWith("501 "));
    CHECK(d.client("AUTH PLAIN\r\n") == "334 \r\n");
    CHECK_THAT(d.client(good_plain + "\r\n"), StartsWith("235 "));
  }
  SECTION("an odd challenge") {
    faulty f("auth-odd-challenge:once");
    dialogue d(f.with);
    CHECK(at_stage(d, fault_stage::auth) == "334 Who are you?\r\n");
    CHECK_THAT(d.client(GENERATE("*\r\n", "AAAA\r\n")), StartsWith("5"));
    CHECK_THAT(d.client("AUTH PLAIN " + good_plain + "\r\n"), StartsWith("235 "));
  }
}

TEST_CASE("server fault: a fault is for one recipient, and counts over sessions", "[mail][server][fault]") {
  faulty f("tempfail-rcpt:to=r@example.org:every=2");
  for (const char* expected : {"250 ", "451 ", "250 ", "451 "}) {
    dialogue d(f.with);
    d.begin();
    static_cast<void>(d.client("MAIL FROM:<s@example.org>\r\n"));
    CHECK_THAT(d.client("RCPT TO:<other@example.org>\r\n"), StartsWith("250 "));
    CHECK_THAT(d.client("RCPT TO:<R@example.org>\r\n"), StartsWith(expected));
  }
}

TEST_CASE("server fault: whatever a server does, a client of ours ends, and loses no message",
          "[mail][server][fault]") {
  for (const fault& each : all_faults()) {
    if (each.does == fault_action::pour) continue;  // without a network between them, two machines would never stop
    CAPTURE(each.name);
    faulty f(each.name);
    f.with.starttls = starttls_offer::none;
    memory_inbox store;
    server session(f.with, store, nullptr, {.peer = "::1"}, time_point(1h));
    int reported = 0;
    bool was_delivered = false;
    client_parameters as;
    as.helo = "client.example";
    as.starttls = false;
    client one(std::move(as));
    submission message{.tag = 1, .sender = parse_address("s@example.org").value(), .recipients = {}, .compose = {}};
    message.recipients.push_back(parse_address("r@example.org").value());
    message.compose = [](server_abilities server) {
      return raw(std::make_shared<memory_source>("Subject: x\n\nx\n"), server);
    };
    one.submit(std::move(message), time_point(1h));
    one.start(std::nullopt, time_point(1h));
    one.close(time_point(1h));
    test::pair both(one, session, time_point(1h));
    CHECK(both.run());
    for (int turn = 0; turn < 10 && !one.done(); ++turn) {  // let all waits end
      const time_point later = time_point(1h) + 1h * (turn + 1);
      session.tick(later);
      one.tick(later);
      static_cast<void>(both.run());
    }
    CHECK(one.done());
    for (const delivery& report : one.take_deliveries()) {
      ++reported;
      was_delivered = report.outcome.has_value();
    }
    reported += static_cast<int>(one.take_unsent().size());
    CHECK(reported == 1);
    CHECK((!was_delivered || store.messages.size() == 1 || each.does == fault_action::lose));
    CHECK(store.messages.size() <= 1);
  }
}

}  // namespace netlab::mail::faults_test
