// SPDX-License-Identifier: MIT
#include "mail/server/server.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "dialogue.hpp"

namespace netlab::mail::server_test {

using namespace test_server;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

server_parameters with_starttls(starttls_offer offer = starttls_offer::offered) {
  server_parameters with = dialogue::plain();
  with.starttls = offer;
  return with;
}

}  // namespace

TEST_CASE("server: a message goes from greeting to farewell", "[mail][server]") {
  dialogue d;
  CHECK(d.said() == "220 mx.example ESMTP netlab\r\n");
  CHECK(d.client("EHLO client.example\r\n") ==
        "250-mx.example\r\n250-PIPELINING\r\n250-SIZE "
        "33554432\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
        "250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n");
  CHECK(d.client("MAIL FROM:<s@example.org>\r\n") == "250 2.1.0 Sender ok\r\n");
  CHECK(d.client("RCPT TO:<r@example.org>\r\n") == "250 2.1.5 Recipient ok\r\n");
  CHECK(d.client("DATA\r\n") == "354 End with CR LF . CR LF\r\n");
  CHECK(d.client("Subject: x\r\n\r\nhello\r\n..dot\r\n.\r\n") == "250 2.0.0 Queued as id1\r\n");
  CHECK(d.client("QUIT\r\n") == "221 2.0.0 Bye\r\n");
  CHECK(d.session.done());
  REQUIRE(d.store.messages.size() == 1);
  CHECK(d.store.messages[0].content == "Subject: x\r\n\r\nhello\r\n.dot\r\n");
  CHECK(d.store.messages[0].from.sender_text() == "s@example.org");
  CHECK(d.store.messages[0].from.peer == "127.0.0.1");
  CHECK(d.store.messages[0].from.helo == "client.example");
  CHECK(d.watch.events == "accepted id1 from s@example.org for 1, 27 octets\nended quit: 1 accepted\n");
}

TEST_CASE("server: any cut of what a client says has the same answers", "[mail][server]") {
  const std::string talk =
      "EHLO c.example\r\nNOOP\r\nRCPT TO:<x@y>\r\nmail from:<s@example.org> SIZE=20 BODY=8BITMIME\r\n"
      "RCPT TO:<a@example.org> NOTIFY=NEVER\r\nRcpt To: <b@example.org>\r\nDATA\r\na\r\n..b\r\n.c\r\n.\r\nRSET\r\n"
      "MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nBDAT 5\r\na\r\n.\rBDAT 4 LAST\r\n\nab\nMAIL FROM:<>\r\nRCPT "
      "TO:<c@d.e>\r\n"
      "BDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\nMAIL FROM:<>\r\nRCPT "
      "TO:<c@d.e>\r\nDATA\r\nx\n.\nNOOP\r\n.\r\nwhat\r\nLF\nQUIT\r\nNOOP\r\n";
  const transcript whole = play(dialogue::plain(), {talk});
  CHECK(whole.contents == std::vector<std::string>{"a\r\n.b\r\nc\r\n", "x\r\ny\r\n"});
  CHECK(whole.done);
  for (const auto& cut : test::every_cut(talk)) CHECK(play(dialogue::plain(), cut) == whole);
}

TEST_CASE("server: commands are known in any case, with blanks behind them", "[mail][server]") {
  dialogue d;
  d.begin();
  CHECK(d.client("noop\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(d.client("NoOp something\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(d.client("RSET  \t\r\n") == "250 2.0.0 Reset\r\n");
  CHECK(d.client("ehlo c\r\n").starts_with("250-"));
  CHECK(d.client("helo c\r\n") == "250 mx.example\r\n");
  CHECK(d.client("help\r\n").starts_with("214 2.0.0 "));
  CHECK(d.client("vrfy joe\r\n").starts_with("252 2.0.0 "));
  CHECK(d.client("quit\r\n") == "221 2.0.0 Bye\r\n");
}

TEST_CASE("server: what is no command is refused", "[mail][server]") {
  struct expectation {
    std::string line;
    std::string code;
  };
  const auto one = GENERATE(values<expectation>({{"", "500 5.5.2"},
                                                 {" NOOP", "500 5.5.2"},
                                                 {"NOO", "500 5.5.2"},
                                                 {"NOOPS", "500 5.5.2"},
                                                 {"STAR", "500 5.5.2"},
                                                 {"GET / HTTP/1.1", "500 5.5.2"},
                                                 {"EXPN list", "502 5.5.1"},
                                                 {"VRFY", "501 5.5.4"},
                                                 {"EHLO", "501 5.5.4"},
                                                 {"EHLO two names", "501 5.5.4"},
                                                 {"EHLO (x)", "501 5.5.4"},
                                                 {"EHLO b\xc3\xbc", "501 5.5.4"},
                                                 {"HELO", "501 5.5.4"},
                                                 {"RSET now", "501 5.5.4"},
                                                 {"QUIT now", "501 5.5.4"},
                                                 {"DATA now", "501 5.5.4"},
                                                 {"AUTH PLAIN", "502 5.5.1"},
                                                 {"STARTTLS", "502 5.5.1"},
                                                 {"STARTTLS now", "501 5.5.4"}}));
  dialogue d;
  d.begin();
  CHECK_THAT(d.client(one.line + "\r\n"), StartsWith(one.code + " "));
  CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("server: a line that ends in LF alone, or has CR or NUL in it, is refused", "[mail][server]") {
  dialogue d;
  d.begin();
  const std::string line = GENERATE(as<std::string>{}, std::string("NOOP\n"), std::string("NO\0OP\r\n", 7),
                                    std::string("NOOP \rx\r\n"), std::string("NOOP\r\r\n"));
  CHECK_THAT(d.client(line), StartsWith("500 5.5.2 "));
  CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("server: a line that is too long is refused at its end, and not kept", "[mail][server]") {
  dialogue d;
  d.begin();
  const std::size_t length = GENERATE(as<std::size_t>{}, max_command_line + 1, max_server_auth_line + 1, 1'000'000);
  std::string line = "NOOP ";
  line.resize(length - 2, 'x');
  CHECK(d.client(line).empty());
  CHECK_THAT(d.client("\r\n"), StartsWith("500 5.5.2 "));
  CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
  line.resize(max_command_line - 2, 'x');
  CHECK(d.client(line + "\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("server: the order of commands is kept", "[mail][server]") {
  dialogue d;
  static_cast<void>(d.said());
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("RCPT TO:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("DATA\r\n"), StartsWith("503 5.5.1 "));
  CHECK(d.client("BDAT 3 LAST\r\n").empty());
  CHECK_THAT(d.client("abc"), StartsWith("503 5.5.1 "));
  d.begin();
  CHECK_THAT(d.client("RCPT TO:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("250 "));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("DATA\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("RSET\r\n"), StartsWith("250 "));
  CHECK_THAT(d.client("RCPT TO:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("250 "));
  CHECK_THAT(d.client("EHLO again\r\n"), StartsWith("250-"));
  CHECK_THAT(d.client("RCPT TO:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
}

TEST_CASE("server: STARTTLS is offered once, and forgets what was said before", "[mail][server]") {
  dialogue d(with_starttls());
  static_cast<void>(d.said());
  CHECK_THAT(d.client("STARTTLS\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("EHLO c\r\n"), ContainsSubstring("250-STARTTLS\r\n"));
  CHECK_THAT(d.client("STARTTLS x\r\n"), StartsWith("501 5.5.4 "));
  CHECK_FALSE(d.session.wants_tls());
  CHECK(d.client("STARTTLS\r\n") == "220 2.0.0 Begin TLS\r\n");
  CHECK(d.session.wants_tls());
  CHECK_FALSE(d.session.done());
  d.session.tls_started({.binding = {}, .version = "TLSv1.3", .cipher = "X"}, d.now);
  CHECK_FALSE(d.session.wants_tls());
  CHECK(d.said().empty());
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("EHLO c\r\n"), !ContainsSubstring("STARTTLS"));
  CHECK_THAT(d.client("STARTTLS\r\n"), StartsWith("503 5.5.1 "));
  CHECK(d.session.current().is_secure);
  CHECK(d.session.current().tls == "TLSv1.3 X");
}

TEST_CASE("server: STARTTLS is not for the middle of a message", "[mail][server]") {
  dialogue d(with_starttls());
  d.begin();
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\nSTARTTLS\r\n"),
             EndsWith("503 5.5.1 A mail transaction is in progress\r\n"));
}

TEST_CASE("server: unencrypted octets after STARTTLS end the session, in any cut", "[mail][server]") {
  const std::string talk = "EHLO c\r\nSTARTTLS\r\nEHLO evil\r\nMAIL FROM:<a@b.example>\r\n";
  const transcript whole = play(with_starttls(), {talk});
  CHECK(whole.done);
  CHECK_THAT(whole.said, EndsWith("220 2.0.0 Begin TLS\r\n"));
  for (const auto& cut : test::every_cut(talk)) CHECK(play(with_starttls(), cut) == whole);
}

TEST_CASE("server: where TLS is required nothing goes without it but what leads there", "[mail][server]") {
  dialogue d(with_starttls(starttls_offer::required));
  d.begin();
  for (const char* line :
       {"MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA", "RSET", "VRFY x", "AUTH PLAIN", "HELO c", "WHAT"})
    CHECK_THAT(d.client(std::string(line) + "\r\n"), StartsWith("530 5.7.0 "));
  CHECK_THAT(d.client("BDAT 6 LAST\r\nQUIT\r\n"), StartsWith("530 5.7.0 "));
  CHECK_FALSE(d.session.done());  // a chunk is not a command
  CHECK_THAT(d.client("NOOP\r\n"), StartsWith("250 "));
  CHECK_THAT(d.client("EHLO c\r\n"), StartsWith("250-"));
  CHECK_THAT(d.client("STARTTLS\r\n"), StartsWith("220 "));
  d.session.tls_started({}, d.now);
  static_cast<void>(d.client("EHLO c\r\n"));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("250 "));
}

TEST_CASE("server: TLS that was there from the start is not offered, and known", "[mail][server]") {
  dialogue d(with_starttls(starttls_offer::required), {.peer = "::1", .is_secure = true});
  d.session.tls_started({.binding = {}, .version = "TLSv1.3", .cipher = "X"}, d.now);
  CHECK_THAT(d.said(), StartsWith("220 "));
  CHECK_THAT(d.client("EHLO c\r\n"), !ContainsSubstring("STARTTLS"));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("250 "));
  CHECK(d.session.current().tls == "TLSv1.3 X");
}

TEST_CASE("server: too many errors end the session", "[mail][server]") {
  dialogue d;
  d.begin();
  std::string all;
  for (std::size_t at = 0; at < d.with.limits.errors; ++at) all += d.client("WHAT\r\n");
  CHECK_THAT(all, EndsWith("500 5.5.2 There is no such command\r\n421 4.7.0 Too many errors\r\n"));
  CHECK(d.session.done());
}

TEST_CASE("server: too many commands without a message end the session", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const std::size_t most = d.with.limits.idle_commands;
  for (std::size_t at = 0; at < 2 * most; ++at) static_cast<void>(d.client("RCPT TO:<a@b.example>\r\n"));
  for (std::size_t at = 2; at < most; ++at) CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
  CHECK_THAT(d.client("NOOP\r\n"), StartsWith("421 4.7.0 "));
  CHECK(d.session.done());
}

TEST_CASE("server: too many refused recipients end the session", "[mail][server]") {
  server_parameters with = dialogue::plain();
  with.limits.refused_recipients = 5;
  with.reject.push_back(*address_pattern::parse("*"));
  dialogue d(with);
  d.begin();
  static_cast<void>(d.client("MAIL FROM:<a@b.example>\r\n"));
  for (std::size_t at = 1; at < 5; ++at)
    CHECK_THAT(d.client("RCPT TO:<x@y.example>\r\n"), EndsWith("550 5.1.1 There is no such user\r\n"));
  CHECK_THAT(d.client("RCPT TO:<x@y.example>\r\n"), EndsWith("\r\n421 4.7.0 Too many refused recipients\r\n"));
  CHECK(d.session.done());
}

TEST_CASE("server: a message makes up for the recipients that were refused before it", "[mail][server]") {
  server_parameters with = dialogue::plain();
  with.limits.refused_recipients = 5;
  with.reject.push_back(*address_pattern::parse("x@y.example"));
  dialogue d(with);
  d.begin();
  for (int message = 0; message < 3; ++message) {
    static_cast<void>(d.client("MAIL FROM:<a@b.example>\r\nRCPT TO:<r@example.org>\r\n"));
    for (int at = 1; at < 5; ++at) static_cast<void>(d.client("RCPT TO:<x@y.example>\r\n"));
    CHECK_THAT(d.client("DATA\r\n.\r\n"), EndsWith(fmt::format("250 2.0.0 Queued as id{}\r\n", message + 1)));
  }
}

TEST_CASE("server: a message makes up for the commands before it", "[mail][server]") {
  dialogue d;
  d.begin_message();
  for (std::size_t at = 4; at < d.with.limits.idle_commands; ++at) static_cast<void>(d.client("NOOP\r\n"));
  CHECK_THAT(d.client("DATA\r\n.\r\n"), EndsWith("250 2.0.0 Queued as id1\r\n"));
  CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("server: a session brings only so many messages", "[mail][server]") {
  server_parameters with = dialogue::plain();
  with.limits.messages = 1;
  dialogue d(with);
  d.begin_message();
  CHECK_THAT(d.client("DATA\r\n.\r\n"), EndsWith("250 2.0.0 Queued as id1\r\n"));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("421 4.7.0 "));
  CHECK(d.session.done());
}

TEST_CASE("server: who says nothing is told so and left", "[mail][server]") {
  dialogue d;
  d.begin();
  CHECK(d.session.deadline() == d.now + d.with.timeouts.command);
  d.now += d.with.timeouts.command - 1s;
  d.session.tick(d.now);
  CHECK_FALSE(d.session.done());
  CHECK(d.client("NO").empty());  // part of a line does not count as progress
  d.now += 1s;
  d.session.tick(d.now);
  CHECK(d.said() == "421 4.4.2 Timed out\r\n");
  CHECK(d.session.done());
  CHECK_FALSE(d.session.deadline());
}

TEST_CASE("server: a whole line is progress", "[mail][server]") {
  dialogue d;
  d.begin();
  d.now += d.with.timeouts.command - 1s;
  static_cast<void>(d.client("NOOP\r\n"));
  CHECK(d.session.deadline() == d.now + d.with.timeouts.command);
}

TEST_CASE("server: a session has an end", "[mail][server]") {
  dialogue d;
  const time_point end = d.now + d.with.timeouts.session;
  d.begin();
  d.now = end - 1s;
  static_cast<void>(d.client("NOOP\r\n"));
  CHECK(d.session.deadline() == end);
  d.now = end;
  d.session.tick(d.now);
  CHECK(d.said() == "421 4.4.2 The session has lasted too long without a message\r\n");
  CHECK(d.session.done());
}

TEST_CASE("server: each message gives a session time for the next", "[mail][server]") {
  dialogue d;
  d.begin_message();
  d.now += d.with.timeouts.session - 1s;
  CHECK_THAT(d.client("DATA\r\n.\r\n"), EndsWith("250 2.0.0 Queued as id1\r\n"));
  CHECK(d.session.deadline() == d.now + d.with.timeouts.command);
}

TEST_CASE("server: stop() ends a session that has begun nothing", "[mail][server]") {
  dialogue d;
  const bool in_transaction = GENERATE(false, true);
  if (in_transaction)
    d.begin_message();
  else
    d.begin();
  d.session.stop(d.now);
  CHECK(d.said() == "421 4.3.2 The server is shutting down\r\n");
  CHECK(d.session.done());
  CHECK(d.store.messages.empty());
}

TEST_CASE("server: stop() lets a message whose content has begun be finished", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const bool by_chunks = GENERATE(false, true);
  static_cast<void>(d.client(by_chunks ? "BDAT 3\r\na\r\n" : "DATA\r\na\r\n"));
  d.session.stop(d.now);
  CHECK_FALSE(d.session.done());
  CHECK(d.said().empty());
  CHECK(d.client(by_chunks ? "BDAT 0 LAST\r\nNOOP\r\n" : ".\r\nNOOP\r\n") ==
        "250 2.0.0 Queued as id1\r\n421 4.3.2 The server is shutting down\r\n");
  CHECK(d.session.done());
  CHECK(d.store.messages.size() == 1);
}

TEST_CASE("server: a message that is not finished when there is no more time is told 421", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const bool by_chunks = GENERATE(false, true);
  static_cast<void>(d.client(by_chunks ? "BDAT 3\r\na\r" : "DATA\r\na\r\n"));
  d.session.stop(d.now);
  CHECK_FALSE(d.session.done());
  d.session.cut_off(d.now);
  CHECK(d.said() == "421 4.3.2 The server is shutting down\r\n");
  CHECK(d.session.done());
  CHECK(d.store.abandoned == 1);
}

TEST_CASE("server: without memory a session ends with 421, and its message is abandoned", "[mail][server]") {
  constexpr std::string_view farewell = "421 4.3.0 The server is out of memory, try again later\r\n";
  dialogue d;
  d.begin_message();
  SECTION("while it is received") {
    static_cast<void>(d.client("DATA\r\na\r\n"));
    d.store.lacks_memory = true;
    CHECK(d.client("b\r\n") == farewell);
    CHECK(d.store.abandoned == 1);
  }
  SECTION("while it is stored") {
    d.store.waits = true;
    static_cast<void>(d.client("DATA\r\na\r\n.\r\n"));
    d.store.lacks_memory = true;
    d.session.resume(d.now);
    CHECK(d.said() == farewell);
  }
  CHECK(d.session.done());
}

TEST_CASE("server: stop() says nothing in clear where TLS begins", "[mail][server]") {
  dialogue d(with_starttls());
  d.begin();
  static_cast<void>(d.client("STARTTLS\r\n"));
  d.session.stop(d.now);
  CHECK(d.said().empty());
  CHECK(d.session.done());
}

TEST_CASE("server: the rate limit ends the session, and the next at its start", "[mail][server]") {
  rate_limit rate(1, 10s);
  server_parameters with = dialogue::plain();
  with.rate = &rate;
  {
    dialogue d(with);
    d.begin_message();
    CHECK_THAT(d.client("DATA\r\n.\r\n"), EndsWith("250 2.0.0 Queued as id1\r\n"));
    CHECK(d.client("MAIL FROM:<a@b.example>\r\n") == "421 4.7.0 Too much mail from 127.0.0.1, try again later\r\n");
    CHECK(d.session.done());
  }
  {
    dialogue d(with);
    CHECK(d.said() == "421 4.7.0 Too much mail from 127.0.0.1, try again later\r\n");
    CHECK(d.session.done());
  }
  dialogue other(with, {.peer = "127.0.0.2"});
  CHECK_THAT(other.said(), StartsWith("220 "));
}

TEST_CASE("server: the observer hears the dialogue and the end, once", "[mail][server]") {
  dialogue d;
  d.begin();
  static_cast<void>(d.client("NOOP\r\n"));
  CHECK_THAT(d.watch.lines, StartsWith("S: 220 mx.example ESMTP netlab\nC: EHLO client.example\nS: 250-mx.example\n"));
  CHECK_THAT(d.watch.lines, EndsWith("S: 250 ENHANCEDSTATUSCODES\nC: NOOP\nS: 250 2.0.0 Ok\n"));
  d.session.eof(d.now);
  d.session.eof(d.now);
  CHECK(d.watch.events == "ended closed by peer: 0 accepted\n");
  CHECK(d.session.done());
  CHECK(d.client("NOOP\r\n").empty());
}

}  // namespace netlab::mail::server_test
