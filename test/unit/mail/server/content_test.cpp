// SPDX-License-Identifier: MIT
// DATA, BDAT, and the outcome of a message.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>

#include "dialogue.hpp"

namespace netlab::mail::content_test {

using namespace test_server;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const failure no_space{std::make_error_code(std::errc::no_space_on_device), "write", {}, {}};
const failure broken{std::make_error_code(std::errc::io_error), "write", {}, {}};

server_parameters small() {
  server_parameters with = dialogue::plain();
  with.limits.message = 10;
  return with;
}

}  // namespace

TEST_CASE("server: a message with a lone LF or CR is refused at its true end", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const std::string text = GENERATE(as<std::string>{}, "a\nb\r\n", "a\rb\r\n", "a\n.\nMAIL FROM:<evil@x.example>\r\n",
                                    "a\n.\r\nMAIL FROM:<evil@x.example>\r\n", "a\r.\r\nMAIL FROM:<evil@x.example>\r\n",
                                    "a\r\n.\nRSET\r\n", "a\r\n.\rRSET\r\n", "\n.\r\n");
  CHECK(d.client("DATA\r\n" + text) == "354 End with CR LF . CR LF\r\n");
  CHECK_THAT(d.client(".\r\n"), StartsWith("554 5.6.0 "));
  CHECK(d.store.messages.empty());
  CHECK(d.store.commits == 0);
  CHECK(d.store.abandoned == 1);
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("250 "));
}

TEST_CASE("server: who waits behind a wrong end is told what was wrong", "[mail][server]") {
  dialogue d;
  d.begin_message();
  static_cast<void>(d.client("DATA\r\nhello\n.\n"));
  d.now += d.with.timeouts.content;
  d.session.tick(d.now);
  CHECK(d.said() == "421 4.4.2 Timed out: a message ends with CR LF . CR LF, and this one has a CR or LF alone\r\n");
  CHECK(d.session.done());
  CHECK(d.store.abandoned == 1);
}

TEST_CASE("server: BDAT brings a message in chunks", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK(d.client("BDAT 8\r\n") == "");
  CHECK(d.client("a\r\n..b\r\n") == "250 2.0.0 Go on\r\n");
  CHECK(d.client("bdat 3\r\n.\r\n") == "250 2.0.0 Go on\r\n");
  CHECK(d.client("BDAT 0\r\n") == "250 2.0.0 Go on\r\n");
  CHECK_THAT(d.client("RCPT TO:<late@example.org>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("MAIL FROM:<late@example.org>\r\n"), StartsWith("503 5.5.1 "));
  CHECK_THAT(d.client("DATA\r\n"), StartsWith("503 5.5.1 "));
  CHECK(d.client("BDAT 6 last\r\nQUIT\r\n") == "250 2.0.0 Queued as id1\r\n");
  REQUIRE(d.store.messages.size() == 1);
  CHECK(d.store.messages[0].content == "a\r\n..b\r\n.\r\nQUIT\r\n");
  CHECK_FALSE(d.session.done());
}

TEST_CASE("server: a last chunk without a line's end gets one", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK_THAT(d.client("BDAT 3\r\nabcBDAT 3 LAST\r\ndef"), EndsWith("250 2.0.0 Queued as id1\r\n"));
  CHECK(d.store.messages[0].content == "abcdef\r\n");
}

TEST_CASE("server: BODY=BINARYMIME brings any octets, in chunks, and they stay as they are", "[mail][server]") {
  using namespace std::string_literals;
  dialogue d;
  const bool in_octets = GENERATE(false, true);
  const auto client = [&](const std::string& text) {
    if (!in_octets) return d.client(text);
    std::string answer;
    for (const char each : text) answer += d.client(std::string(1, each));
    return answer;
  };
  static_cast<void>(client("EHLO c.example\r\n"));
  CHECK(client("MAIL FROM:<s@example.org> BODY=binarymime\r\n") == "250 2.1.0 Sender ok\r\n");
  static_cast<void>(client("RCPT TO:<r@example.org>\r\n"));
  CHECK(client("DATA\r\n") == "503 5.5.1 BODY=BINARYMIME needs BDAT\r\n");
  const std::string first = "a\nb\rc\0\xff\r"s + std::string(3000, 'x');
  const std::string second = ".\r\n.\r\nno end of line \r"s;
  CHECK(client(fmt::format("BDAT {}\r\n", first.size()) + first) == "250 2.0.0 Go on\r\n");
  CHECK(client(fmt::format("BDAT {} LAST\r\n", second.size()) + second) == "250 2.0.0 Queued as id1\r\n");
  REQUIRE(d.store.messages.size() == 1);
  CHECK(d.store.messages[0].content == first + second);
  CHECK(d.store.messages[0].from.body == body_type::binary_mime);
}

TEST_CASE("server: an empty message is one", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK_THAT(d.client(GENERATE("DATA\r\n.\r\n", "BDAT 0 LAST\r\n")), EndsWith("250 2.0.0 Queued as id1\r\n"));
  CHECK(d.store.messages[0].content.empty());
}

TEST_CASE("server: a chunk with a lone LF or CR ends the message", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK_THAT(d.client("BDAT 3\r\na\nb"), StartsWith("554 5.6.0 "));
  CHECK_THAT(d.client("BDAT 6 LAST\r\nQUIT\r\n"), StartsWith("503 5.5.1 "));
  CHECK(d.store.abandoned == 1);
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\n"), ContainsSubstring("250 2.1.5 "));
  CHECK_THAT(d.client("BDAT 2 LAST\r\na\r"), StartsWith("554 5.6.0 "));
  CHECK(d.store.commits == 0);
}

TEST_CASE("server: a CR LF may be cut between two chunks", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK_THAT(d.client("BDAT 2\r\na\rBDAT 1 LAST\r\n\n"), EndsWith("250 2.0.0 Queued as id1\r\n"));
  CHECK(d.store.messages[0].content == "a\r\n");
}

TEST_CASE("server: a refused chunk is still no command", "[mail][server]") {
  dialogue d;
  d.begin();
  CHECK_THAT(d.client("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), StartsWith("503 5.5.1 ") && EndsWith("250 2.0.0 Ok\r\n"));
  static_cast<void>(d.client("MAIL FROM:<a@b.example>\r\nRCPT TO:<nobody>\r\n"));
  CHECK_THAT(d.client("BDAT 6 LAST\r\nQUIT\r\n"), StartsWith("554 5.5.1 "));
  CHECK_FALSE(d.session.done());
}

TEST_CASE("server: behind a chunk of unknown length nothing is taken for a command", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const std::string line = GENERATE(as<std::string>{}, "BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "BDAT 1 LAST x",
                                    "BDAT 99999999999999999999");
  const std::string end = GENERATE("\r\n", "\n", "\r\r\n");
  CHECK_THAT(d.client(line + end + "MAIL FROM:<evil@x.example>\r\n"),
             StartsWith("50") && ContainsSubstring("\r\n421 4.5.2 "));
  CHECK(d.session.done());
}

TEST_CASE("server: a message that is too large is refused at its end, and not stored", "[mail][server]") {
  dialogue d(small());
  d.begin_message();
  const std::string text =
      GENERATE(as<std::string>{}, "DATA\r\n123456789\r\n.\r\n", "BDAT 4\r\n1234BDAT 5 LAST\r\n56789");
  CHECK_THAT(d.client(text), ContainsSubstring("552 5.3.4 "));
  CHECK(d.store.commits == 0);
  CHECK(d.store.abandoned == 1);
  CHECK(d.store.current.content.size() <= 10);
  CHECK(d.session.counts().refused == 1);
}

TEST_CASE("server: a chunk that is too large is refused before it is read, and skipped", "[mail][server]") {
  dialogue d(small());
  d.begin_message();
  const bool is_second = GENERATE(false, true);
  if (is_second) CHECK(d.client("BDAT 5\r\nabcde") == "250 2.0.0 Go on\r\n");
  CHECK(d.client(is_second ? "BDAT 6 LAST\r\n" : "BDAT 11 LAST\r\n") == "552 5.3.4 The message is too large\r\n");
  CHECK(d.store.abandoned == (is_second ? 1 : 0));
  CHECK(d.client(is_second ? "QUIT\r\n" : "QUIT\r\nQUIT\r") == "");
  CHECK(d.client(is_second ? "NOOP\r\n" : "NOOP\r\n").ends_with("250 2.0.0 Ok\r\n"));
  CHECK(d.store.commits == 0);
  CHECK(d.session.counts().refused == 1);
}

TEST_CASE("server: a chunk that would take too long to skip ends the session", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK_THAT(d.client("BDAT 99999999999 LAST\r\n"), StartsWith("552 5.3.4 ") && ContainsSubstring("\r\n421 4.3.4 "));
  CHECK(d.session.done());
}

TEST_CASE("server: a message may be as large as was said", "[mail][server]") {
  dialogue d(small());
  d.begin_message();
  CHECK_THAT(d.client("DATA\r\n12345678\r\n.\r\n"), EndsWith("250 2.0.0 Queued as id1\r\n"));
}

TEST_CASE("server: a message that cannot be stored is refused for now, wherever that shows", "[mail][server]") {
  dialogue d;
  const bool is_full = GENERATE(true, false);
  const int where = GENERATE(0, 1, 2);
  const bool by_chunks = GENERATE(false, true);
  auto& fails = where == 0 ? d.store.begin_fails : where == 1 ? d.store.append_fails : d.store.commit_fails;
  fails = is_full ? no_space : broken;
  d.begin_message();
  const std::string said = d.client(by_chunks ? "BDAT 3 LAST\r\na\r\n" : "DATA\r\n");
  if (!by_chunks && where > 0) {
    CHECK_THAT(said, StartsWith("354 "));
    CHECK_THAT(d.client("a\r\n.\r\n"), StartsWith(is_full ? "452 4.3.1 " : "451 4.3.0 "));
  } else {
    CHECK_THAT(said, StartsWith(is_full ? "452 4.3.1 " : "451 4.3.0 "));
  }
  CHECK(d.store.messages.empty());
  CHECK(d.store.abandoned == (where == 1 ? 1 : 0));
  fails.reset();
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n.\r\n"),
             EndsWith("250 2.0.0 Queued as id1\r\n"));
}

TEST_CASE("server: what comes while the inbox is busy is kept", "[mail][server]") {
  dialogue d;
  d.store.waits = true;
  d.begin_message();
  CHECK(d.client("DATA\r\na\r\n.\r\nMAIL FROM:<a@b.example>\r\nRC") == "354 End with CR LF . CR LF\r\n");
  CHECK(d.session.busy());
  CHECK_FALSE(d.session.deadline());
  CHECK(d.client("PT TO:<a@b.example>\r\nNOOP\r\n").empty());
  d.session.resume(d.now);  // not stored yet
  CHECK(d.session.busy());
  d.store.store();
  d.session.resume(d.now);
  CHECK_FALSE(d.session.busy());
  CHECK(d.said() == "250 2.0.0 Queued as id1\r\n250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n250 2.0.0 Ok\r\n");
}

TEST_CASE("server: several messages in one flight wait for the inbox one by one", "[mail][server]") {
  dialogue d;
  d.store.waits = true;
  d.begin();
  const std::string one = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 3 LAST\r\na\r\n";
  static_cast<void>(d.client(one + one + one + "QUIT\r\n"));
  for (int number = 1; number <= 3; ++number) {
    CHECK(d.session.busy());
    CHECK(d.store.commits == number);
    d.store.store();
    d.session.resume(d.now);
    CHECK_THAT(d.said(), ContainsSubstring("Queued as id" + std::to_string(number) + "\r\n"));
  }
  CHECK(d.session.done());
}

TEST_CASE("server: the end of the input and stop() wait for the inbox", "[mail][server]") {
  dialogue d;
  d.store.waits = true;
  d.begin_message();
  static_cast<void>(d.client("DATA\r\na\r\n.\r\n"));
  const bool by_eof = GENERATE(true, false);
  if (by_eof)
    d.session.eof(d.now);
  else
    d.session.stop(d.now);
  CHECK_FALSE(d.session.done());
  d.store.store();
  d.session.resume(d.now);
  CHECK(d.said() ==
        std::string("250 2.0.0 Queued as id1\r\n") + (by_eof ? "" : "421 4.3.2 The server is shutting down\r\n"));
  CHECK(d.session.done());
  CHECK(d.store.abandoned == 0);
}

TEST_CASE("server: a message that is not finished is abandoned", "[mail][server]") {
  memory_inbox store;
  const int end_of_session = GENERATE(0, 1, 2, 3, 4);
  const bool by_chunks = GENERATE(false, true);
  const server_parameters with = dialogue::plain();
  {
    server session(with, store, nullptr, {.peer = "127.0.0.1"}, time_point(1h));
    session.feed(as_bytes("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"), time_point(1h));
    session.feed(as_bytes(by_chunks ? "BDAT 3\r\na\r\n" : "DATA\r\na\r\n."), time_point(1h));
    CHECK(store.begun == 1);
    if (end_of_session == 0) session.eof(time_point(1h));
    if (end_of_session == 1) session.tick(time_point(1h) + with.timeouts.session);
    if (end_of_session == 2 && by_chunks) session.feed(as_bytes("RSET\r\n"), time_point(1h));
    if (end_of_session == 3 && by_chunks) session.feed(as_bytes("QUIT\r\n"), time_point(1h));
  }
  CHECK(store.abandoned == 1);
  CHECK(store.commits == 0);
}

TEST_CASE("server: slow content ends the session", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const bool by_chunks = GENERATE(false, true);
  static_cast<void>(d.client(by_chunks ? "BDAT 1000000 LAST\r\n" : "DATA\r\n"));
  const time_point due = d.now + d.with.timeouts.content;
  CHECK(d.session.deadline() == due);
  d.now = due - 1s;
  static_cast<void>(d.client("a part of a line"));
  CHECK(d.session.deadline() == due);
  static_cast<void>(d.client(std::string(server::content_step, 'x')));
  CHECK(d.session.deadline() == d.now + d.with.timeouts.content);
  d.now += d.with.timeouts.content;
  d.session.tick(d.now);
  CHECK(d.said() == "421 4.4.2 Timed out\r\n");
  CHECK(d.store.abandoned == 1);
}

TEST_CASE("server: a message typed by hand has time as long as lines come", "[mail][server]") {
  dialogue d;
  d.begin_message();
  const bool by_chunks = GENERATE(false, true);
  static_cast<void>(d.client(by_chunks ? "BDAT 1000 LAST\r\n" : "DATA\r\n"));
  for (int line = 0; line < 30; ++line) {
    d.now += d.with.timeouts.content - 1s;
    d.session.tick(d.now);
    if (d.now - time_point(1h) > 50min) break;
    CHECK(d.client("one line\r\n") == "");
    CHECK(d.session.deadline() == std::min(d.now + d.with.timeouts.content, time_point(2h)));
  }
  CHECK_FALSE(d.session.done());
}

namespace {

/// The server's answer to this content.
std::string answer_to(std::string_view content, std::string_view parameters = {},
                      server_parameters with = dialogue::plain()) {
  dialogue d(std::move(with));
  d.begin();
  static_cast<void>(
      d.client(fmt::format("MAIL FROM:<a@b.example>{}\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", parameters)));
  return d.client(fmt::format("{}\r\n.\r\n", content));
}

const std::string longest_line(998, 'x');
constexpr std::string_view nul("a\0b", 3);
constexpr std::string_view umlaut = "\xc3\xa4";

}  // namespace

TEST_CASE("server: content that others refuse is refused", "[mail][server]") {
  CHECK_THAT(answer_to(longest_line), StartsWith("250 "));
  CHECK_THAT(answer_to(".." + longest_line.substr(1)), StartsWith("250 "));
  CHECK_THAT(answer_to("short\r\n" + longest_line + "x\r\nshort"), StartsWith("554 5.6.0 A line "));
  CHECK_THAT(answer_to(nul), StartsWith("554 5.6.0 There is a NUL "));
  CHECK_THAT(answer_to(nul, " BODY=8BITMIME"), StartsWith("554 5.6.0 There is a NUL "));
  CHECK_THAT(answer_to(umlaut), StartsWith("554 5.6.0 Octets above 127 need BODY=8BITMIME "));
  CHECK_THAT(answer_to(umlaut, " BODY=7BIT"), StartsWith("554 5.6.0 Octets above 127 "));
  CHECK_THAT(answer_to(umlaut, GENERATE(" BODY=8BITMIME", " SMTPUTF8")), StartsWith("250 "));
}

TEST_CASE("server: chunks have the same rules as DATA", "[mail][server]") {
  dialogue d;
  d.begin_message();
  CHECK_THAT(d.client("BDAT 999 LAST\r\n" + longest_line + "x"), StartsWith("554 5.6.0 A line "));
  static_cast<void>(d.client("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"));
  CHECK_THAT(d.client("BDAT 600\r\n" + longest_line.substr(0, 600)), StartsWith("250 "));
  CHECK_THAT(d.client("BDAT 402 LAST\r\n" + longest_line.substr(0, 400) + "\r\n"), StartsWith("554 5.6.0 A line "));
}

TEST_CASE("server: the fault lax takes content that others refuse", "[mail][server]") {
  fault_plan plan;
  REQUIRE(plan.add("lax"));
  server_parameters with = dialogue::plain();
  with.faults = &plan;
  for (const std::string_view content : {std::string_view(longest_line), nul, umlaut})
    CHECK_THAT(answer_to(content, {}, with), StartsWith("250 "));
  CHECK_THAT(answer_to(longest_line + "x", {}, with), StartsWith("250 "));
  CHECK_THAT(answer_to("a\nb", {}, with), StartsWith("554 5.6.0 There is an LF "));
}

TEST_CASE("server: content reaches the inbox in pieces as large as they came", "[mail][server]") {
  dialogue d;
  d.begin_message();
  std::string text;
  for (int line = 0; line < 1000; ++line) text += "some text. and more.\r\n";
  static_cast<void>(d.client("DATA\r\n"));
  static_cast<void>(d.client(text));
  CHECK(d.store.pieces == 1);
}

}  // namespace netlab::mail::content_test
