// SPDX-License-Identifier: MIT
// The client's messages: envelopes, the order of commands, and the outcome of each message.
#include "mail/client/client.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fmt/format.h>

#include "dialogue.hpp"
#include "support/failure.hpp"

namespace netlab::mail::client_mail_test {

using namespace test_dialogue;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::string_view stuffed = "Subject: x\r\n\r\nhello\r\n..dot\r\n.\r\n";

/// A source that fails after its first octets.
class shrunk final : public source {
 public:
  [[nodiscard]] std::uint64_t size() const override { return 1000; }
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    if (offset > 0) return fail(errc::no_input, "it has shrunk");
    const std::string_view text = "Subject: x\r\n\r\n";
    return text.copy(to.data(), to.size());
  }
  [[nodiscard]] std::string label() const override { return "shrunk"; }
};

}  // namespace

TEST_CASE("client: one command at a time where the server does not pipeline", "[mail][client]") {
  dialogue d(dialogue::plain(), GENERATE("whole", "bytes"));
  d.submit({"a@example.org", "b@example.org"});
  d.session().close(d.now);
  CHECK(d.begin("") == "MAIL FROM:<s@example.org>\r\n");
  CHECK(d.server("250 ok\r\n") == "RCPT TO:<a@example.org>\r\n");
  CHECK(d.server("250 ok\r\n") == "RCPT TO:<b@example.org>\r\n");
  CHECK(d.server("251 forwards\r\n") == "DATA\r\n");
  CHECK(d.server("354 go\r\n") == std::string(stuffed));
  CHECK(d.server("250 2.0.0 queued as 1\r\n") == "QUIT\r\n");
  CHECK(d.outcome() == "250 2.0.0 queued as 1");
  CHECK(d.deliveries().at(0).accepted == 2);
  CHECK_FALSE(d.session().done());
  CHECK(d.server("221 bye\r\n").empty());
  CHECK(d.session().done());
  CHECK(d.session().session());
}

TEST_CASE("client: a whole envelope is one flight where the server pipelines, and QUIT rides with the message",
          "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org", "b@example.org"});
  d.session().close(d.now);
  CHECK(d.begin("PIPELINING 8BITMIME") ==
        "MAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
  CHECK(d.server("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n") == std::string(stuffed) + "QUIT\r\n");
  CHECK(d.server("250 queued\r\n221 bye\r\n").empty());
  CHECK(d.outcome() == "250 queued");
  CHECK(d.session().done());
}

TEST_CASE("client: the next envelope rides with the end of the message before", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.submit({"b@example.org"});
  d.session().close(d.now);
  CHECK(d.begin("PIPELINING") == "MAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n");
  CHECK(d.server("250 ok\r\n250 ok\r\n354 go\r\n") ==
        std::string(stuffed) + "MAIL FROM:<s@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
  CHECK(d.server("250 first\r\n250 ok\r\n250 ok\r\n354 go\r\n") == std::string(stuffed) + "QUIT\r\n");
  d.server("250 second\r\n221 bye\r\n");
  CHECK(d.outcome(0) == "250 first");
  CHECK(d.outcome(1) == "250 second");
}

TEST_CASE("client: with CHUNKING the message goes with its envelope, unstuffed", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.session().close(d.now);
  CHECK(d.begin("PIPELINING CHUNKING SIZE") ==
        fmt::format("MAIL FROM:<s@example.org> SIZE={0}\r\nRCPT TO:<a@example.org>\r\nBDAT {0} LAST\r\n{1}QUIT\r\n",
                    letter.size(), letter));
  d.server("250 ok\r\n250 ok\r\n250 queued\r\n221 bye\r\n");
  CHECK(d.outcome() == "250 queued");
}

TEST_CASE("client: with CHUNKING several messages leave together, and the server forgets each envelope before the next",
          "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.submit({"b@example.org"});
  d.session().close(d.now);
  const std::string bdat = fmt::format("BDAT {} LAST\r\n{}", letter.size(), letter);
  CHECK(d.begin("PIPELINING CHUNKING") == "MAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\n" + bdat +
                                              "RSET\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<b@example.org>\r\n" +
                                              bdat + "QUIT\r\n");
  SECTION("both are taken") {
    CHECK(d.server("250 ok\r\n250 ok\r\n250 first\r\n250 reset\r\n").empty());
    d.server("250 ok\r\n250 ok\r\n250 second\r\n221 bye\r\n");
    CHECK(d.outcome(0) == "250 first");
    CHECK(d.outcome(1) == "250 second");
  }
  SECTION("the first is refused") {
    d.server("250 ok\r\n550 no\r\n503 nobody\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 second\r\n221 bye\r\n");
    CHECK(d.outcome(0) == "RCPT TO:<a@example.org>: 550 no");
    CHECK(d.outcome(1) == "250 second");
  }
  SECTION("the connection ends between them") {
    d.server("250 ok\r\n250 ok\r\n250 first\r\n");
    d.session().eof(d.now);
    CHECK(d.outcome(0) == "250 first");
    CHECK(d.code(1) == errc::outcome_unknown);
  }
}

TEST_CASE("client: with CHUNKING not more is under way than may be left in doubt", "[mail][client]") {
  dialogue d;
  for (std::size_t each = 0; each < 3 * client::max_under_way; ++each) d.submit({"a@example.org"});
  const std::string said = d.begin("PIPELINING CHUNKING");
  std::size_t begun = 0;
  for (auto at = said.find("BDAT"); at != std::string::npos; at = said.find("BDAT", at + 1)) ++begun;
  CHECK(begun == client::max_under_way);
}

TEST_CASE("client: a recipient refused does not keep the others from the message", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org", "b@example.org"});
  d.session().close(d.now);
  d.begin(GENERATE("PIPELINING", "PIPELINING CHUNKING", "CHUNKING", ""));
  d.server("250 ok\r\n");
  d.server("550 5.1.1 no such user\r\n");
  d.server("250 ok\r\n");
  if (d.transcript.find("DATA") != std::string::npos) d.server("354 go\r\n");
  d.server("250 queued\r\n");
  CHECK(d.outcome() == "250 queued");
  REQUIRE(d.deliveries().at(0).refused.size() == 1);
  CHECK(d.deliveries()[0].accepted == 1);
  CHECK(describe(d.deliveries()[0].refused[0].why) == "RCPT TO:<a@example.org>: 550 5.1.1 no such user");
  CHECK(d.deliveries()[0].refused[0].why.code == errc::rejected);
}

TEST_CASE("client: all or nothing says DATA only when every recipient was accepted", "[mail][client]") {
  auto with = dialogue::plain();
  with.all_or_nothing = true;
  dialogue d(std::move(with));
  d.submit({"a@example.org", "b@example.org"});
  d.submit({"c@example.org"});
  d.session().close(d.now);
  const std::string capabilities = GENERATE("PIPELINING", "PIPELINING CHUNKING");
  CHECK(d.begin(capabilities) == "MAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
  CHECK_THAT(d.server("250 ok\r\n250 ok\r\n550 no\r\n"),
             ContainsSubstring("RSET\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<c@example.org>\r\n"));
  CHECK(d.outcome() == "1 of 2 recipients refused, so it was sent to none");
  CHECK(d.code() == errc::rejected);
}

TEST_CASE("client: when every recipient is refused, a server that waits for a message gets an empty one",
          "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org", "b@example.org"});
  d.session().close(d.now);
  d.begin("PIPELINING");
  CHECK(d.server("250 ok\r\n450 later\r\n550 no\r\n354 go\r\n") == ".\r\nQUIT\r\n");
  d.server("554 no valid recipients\r\n221 bye\r\n");
  CHECK(d.outcome() == "every recipient was refused");
  CHECK(d.code() == errc::try_later);
  CHECK(d.deliveries().at(0).refused.size() == 2);
}

TEST_CASE("client: a refused sender is told as such, whatever RCPT and DATA were answered", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.submit({"b@example.org"});
  d.begin("PIPELINING");
  const std::string next = d.server("550 not you\r\n503 no\r\n503 no\r\n");
  CHECK(next == "RSET\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
  CHECK(d.outcome() == "MAIL FROM:<s@example.org>: 550 not you");
  CHECK(d.deliveries().at(0).refused.empty());
}

TEST_CASE("client: 530 asks for a login", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.begin("");
  d.server("530 5.7.0 Authentication required\r\n");
  CHECK(d.code() == errc::not_permitted);
  CHECK_THAT(d.outcome(), ContainsSubstring("--user"));
}

TEST_CASE("client: the server's word after the message decides", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.begin("PIPELINING");
  d.server("250 ok\r\n250 ok\r\n354 go\r\n");
  SECTION("451") {
    d.server("451 4.3.0 try later\r\n");
    CHECK(d.code() == errc::try_later);
  }
  SECTION("554") {
    d.server("554 5.7.1 spam\r\n");
    CHECK(d.code() == errc::rejected);
    CHECK(d.outcome() == "message: 554 5.7.1 spam");
  }
  SECTION("an end instead") {
    d.session().eof(d.now);
    CHECK(d.code() == errc::outcome_unknown);
    CHECK(d.session().take_unsent().empty());
  }
  SECTION("silence instead") {
    REQUIRE(d.session().deadline() == d.now + 10min);
    d.session().tick(d.now + 10min);
    CHECK(d.code() == errc::outcome_unknown);
  }
  SECTION("garbage instead") {
    d.server("what?\r\n");
    CHECK(d.code() == errc::outcome_unknown);
  }
  SECTION("421") {
    d.server("421 closing\r\n");
    CHECK(d.code() == errc::try_later);
    CHECK(d.session().done());
  }
}

TEST_CASE("client: what was not handed over when the connection ends, comes back", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"});
  d.submit({"b@example.org"});
  d.submit({"c@example.org"});
  d.begin("PIPELINING");
  d.server("250 ok\r\n250 ok\r\n354 go\r\n");
  d.server("250 first\r\n");
  d.server("421 too many messages\r\n");
  REQUIRE(d.deliveries().size() == 1);
  CHECK(d.session().done());
  CHECK(d.session().session().error().code == errc::try_later);
  const auto left = d.session().take_unsent();
  REQUIRE(left.size() == 2);
  CHECK(left[0].tag == 2);
  CHECK(left[1].tag == 3);
}

TEST_CASE("client: behind a 421 nothing was heard, though all of it was said", "[mail][client]") {
  const std::string replies =
      GENERATE("421 too many\r\n", "250 ok\r\n421 too many\r\n", "250 ok\r\n250 ok\r\n421 too many\r\n");
  dialogue d;
  for (const char* to : {"a@example.org", "b@example.org", "c@example.org"}) d.submit({to});
  REQUIRE(d.begin("PIPELINING CHUNKING").find("<c@example.org>") != std::string::npos);
  d.server(replies);
  CHECK(d.session().done());
  const bool is_refused = replies.starts_with("250 ok\r\n250");
  CHECK(d.deliveries().size() == (is_refused ? 1 : 0));
  if (is_refused) CHECK(d.code() == errc::try_later);
  const auto left = d.session().take_unsent();
  CHECK(left.size() == (is_refused ? 2 : 3));
  CHECK(left.back().tag == 3);
}

TEST_CASE("client: a message above the server's limit is not sent", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"}, "Subject: x\r\n\r\n" + std::string(100, 'x'));
  d.session().start(std::nullopt, d.now);
  d.server("220 mx\r\n");
  CHECK(d.server("250-mx\r\n250 SIZE 100\r\n").empty());
  CHECK(d.code() == errc::rejected);
  CHECK(d.outcome() == "the message has 116 octets; the server accepts at most 100 (nothing was sent)");
}

TEST_CASE("client: a message that shrinks while it is read is never ended", "[mail][client]") {
  dialogue d;
  submission message{.tag = 1,
                     .sender = *parse_address("s@example.org"),
                     .recipients = {*parse_address("a@example.org")},
                     .compose = {}};
  message.compose = [](server_abilities server) -> result<composed> {
    draft one;
    one.from = *parse_mailbox("s@example.org");
    one.message_id = "a@b";
    one.attachments.push_back({"x.bin", "", std::make_shared<shrunk>()});
    return compose(one, server);
  };
  d.session().submit(std::move(message), d.now);
  d.submit({"b@example.org"});
  d.begin(GENERATE("PIPELINING", "PIPELINING CHUNKING", ""));
  std::string said = d.server("250 ok\r\n");
  said += d.server("250 ok\r\n");
  said += d.server("354 go\r\n");
  CHECK(said.find("\r\n.\r\n") == std::string::npos);
  CHECK(d.session().done());
  REQUIRE(d.deliveries().size() == 1);
  CHECK_THAT(d.outcome(), ContainsSubstring("shrunk"));
  CHECK(d.session().take_unsent().size() == 1);
}

TEST_CASE("client: a refusal in the middle of the message is that, not an unknown outcome", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"}, "Subject: x\r\n\r\n" + std::string(200'000, '\n'));
  d.begin("");
  d.server("250 ok\r\n");
  d.server("250 ok\r\n");
  d.session().feed(as_bytes("354 go\r\n"), d.now);
  CHECK(d.session().take_output().size() >= 64 * 1024);
  d.session().feed(as_bytes("552 5.3.4 too much\r\n"), d.now);
  CHECK(d.outcome() == "message: 552 5.3.4 too much");
  CHECK(d.session().done());
}

TEST_CASE("client: a long message is written in pieces, and time counts from the last one taken", "[mail][client]") {
  dialogue d;
  d.submit({"a@example.org"}, "Subject: x\r\n\r\n" + std::string(300'000, '\n'));
  d.begin("");
  d.server("250 ok\r\n");
  d.server("250 ok\r\n");
  d.session().feed(as_bytes("354 go\r\n"), d.now);
  for (int piece = 0; piece < 3; ++piece) {
    CHECK(d.session().take_output().size() < 80 * 1024);
    d.now += 59s;
    d.session().tick(d.now);
    d.session().sent(d.now);
  }
  REQUIRE_FALSE(d.session().done());
  static_cast<void>(d.session().take_output());  // into a buffer, where it stays
  d.session().tick(d.now + 61s);
  CHECK(d.session().done());
  CHECK_THAT(test::why(d.session().session()), ContainsSubstring("has read nothing of the message"));
}

TEST_CASE("client: SMTPUTF8 is asked for only when it is needed", "[mail][client]") {
  dialogue d;
  SECTION("not needed") {
    d.submit(
        {"a@b\xc3\xbc"
         "cher.example"});
    CHECK(d.begin("SMTPUTF8") == "MAIL FROM:<s@example.org>\r\n");
    CHECK(d.server("250 ok\r\n") == "RCPT TO:<a@xn--bcher-kva.example>\r\n");
  }
  SECTION("needed") {
    d.submit({"j\xc3\xb6rg@example.org"});
    CHECK(d.begin("SMTPUTF8 8BITMIME") == "MAIL FROM:<s@example.org> SMTPUTF8\r\n");
  }
  SECTION("needed and missing: that recipient is refused before anything is said") {
    d.submit({"j\xc3\xb6rg@example.org", "a@example.org"});
    CHECK(d.begin("PIPELINING") == "MAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n");
    d.server("250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n");
  }
}

TEST_CASE("client: notifications are asked for where they are offered", "[mail][client]") {
  auto with = dialogue::plain();
  with.dsn = dsn_parameters{.notify = "SUCCESS,FAILURE", .ret = "HDRS"};
  dialogue d(std::move(with));
  d.submit({"a+b@example.org"});
  SECTION("offered") {
    CHECK(d.begin("PIPELINING DSN") ==
          "MAIL FROM:<s@example.org> RET=HDRS\r\n"
          "RCPT TO:<a+b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@example.org\r\nDATA\r\n");
  }
  SECTION("not offered") {
    CHECK(d.begin("PIPELINING").empty());
    CHECK(d.code() == errc::rejected);
  }
}

TEST_CASE("client: the null sender is empty", "[mail][client]") {
  dialogue d;
  submission message{.tag = 1, .sender = std::nullopt, .recipients = {*parse_address("a@example.org")}, .compose = {}};
  message.compose = [](server_abilities server) {
    return raw(std::make_shared<memory_source>(std::string(letter)), server);
  };
  d.session().submit(std::move(message), d.now);
  CHECK(d.begin("") == "MAIL FROM:<>\r\n");
}

TEST_CASE("client: a message that is composed already is composed again only for a server that it does not suit",
          "[mail][client]") {
  const auto [keywords, compositions] =
      GENERATE(std::pair("8BITMIME", 0), std::pair("CHUNKING BINARYMIME 8BITMIME", 0), std::pair("SMTPUTF8", 1));
  dialogue d;
  int count = 0;
  submission message{.tag = 1, .sender = std::nullopt, .recipients = {*parse_address("a@example.org")}, .compose = {}};
  message.compose = [&count](server_abilities server) {
    ++count;
    return raw(std::make_shared<memory_source>(std::string(letter)), server);
  };
  auto ready = raw(std::make_shared<memory_source>("Subject: x\r\n\r\nGrüße\r\n"), {.eight_bit_mime = true});
  REQUIRE(ready);
  message.ready = std::move(*ready);
  d.session().submit(std::move(message), d.now);
  CHECK(d.begin(keywords).starts_with("MAIL FROM:<>"));
  CHECK(count == compositions);
}

TEST_CASE("client: a batch of messages that cannot be made does not use up the stack", "[mail][client]") {
  int left = 100'000;
  client one(dialogue::plain());
  const auto bad = [&] {
    submission message{
        .tag = 1, .sender = std::nullopt, .recipients = {*parse_address("a@example.org")}, .compose = {}};
    message.compose = [](server_abilities) -> result<composed> { return fail(errc::bad_data, "no"); };
    one.submit(std::move(message), time_point{});
  };
  one.start(std::nullopt, time_point{});
  for (int each = 0; each < left; ++each) bad();
  one.feed(as_bytes("220 mx\r\n250 mx\r\n"), time_point{});
  for (const delivery& each : one.take_deliveries())
    if (!each.outcome) --left;
  CHECK(left == 0);
}

TEST_CASE("client: a delivery is taken at once and once, and counts as outstanding until then", "[mail][client]") {
  dialogue d;
  d.session().start(std::nullopt, d.now);
  d.server("220 mx\r\n");
  d.server("250-mx\r\n250 SIZE 1\r\n");
  CHECK(!d.session().deadline());
  d.submit({"a@example.org"});
  CHECK(d.session().outstanding() == 1);
  CHECK(d.session().deadline() == d.now);
  d.session().tick(d.now);
  CHECK(d.session().take_deliveries().size() == 1);
  CHECK(d.session().take_deliveries().empty());
  CHECK(d.session().outstanding() == 0);
  CHECK(!d.session().deadline());
  CHECK(!d.session().done());
}

}  // namespace netlab::mail::client_mail_test
