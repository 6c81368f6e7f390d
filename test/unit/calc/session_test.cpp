// SPDX-License-Identifier: MIT
#include "calc/session.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "calc/wire.hpp"
#include "support/cut.hpp"
#include "support/octets.hpp"
#include "support/start.hpp"

namespace netlab::calc::session_test {

using namespace test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

class record final : public session_observer {
 public:
  void refused(std::string_view why) override { reasons.emplace_back(why); }

  std::vector<std::string> reasons;
};

/// A session whose peer is the test.
struct visit {
  explicit visit(session_parameters parameters = {}) : server(parameters, seen, start) {}

  visit& say(std::string_view octets, time_point now = start) {
    server.feed(as_bytes(octets), now);
    return *this;
  }
  std::string heard() { return std::string(as_text(server.take_output())); }

  record seen;
  session server;
};

struct end {
  std::string output;
  std::uint64_t answers = 0;
  std::vector<std::string> reasons;
  bool done_before_eof = false;
};

end visit_with(const pieces& stream, byte_order order = byte_order::big) {
  visit one({.order = order, .idle_timeout = 0s});
  for (const std::string_view piece : stream) one.say(piece);
  const bool was_done = one.server.done();
  one.server.eof(start);
  CHECK(one.server.done());
  return {one.heard(), one.server.answers(), one.seen.reasons, was_done};
}

// The result of a session, checked to be the same for every cut of the stream.
end visit_with(std::string_view stream, byte_order order = byte_order::big) {
  const end whole = visit_with(pieces{stream}, order);
  for (const pieces& cut : every_cut(stream)) {
    const end same = visit_with(cut, order);
    // No CHECK for each cut: there would be a million assertions.
    if (hex(same.output) != hex(whole.output) || same.answers != whole.answers || same.reasons != whole.reasons ||
        same.done_before_eof != whole.done_before_eof) {
      INFO("cut in " << cut.size() << ", the first of " << cut.front().size());
      CHECK(hex(same.output) == hex(whole.output));
      CHECK(same.answers == whole.answers);
      CHECK(same.reasons == whole.reasons);
      CHECK(same.done_before_eof == whole.done_before_eof);
      break;
    }
  }
  return whole;
}

std::string to_octets(const request& asked, byte_order order = byte_order::big) {
  bytes out;
  append_request(out, asked, order);
  return std::string(as_text(out));
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("session: binary requests are answered in their order", "[calc][unit]") {
  const end left =
      visit_with(octets("00000001 'SUM' 03 00000001 00000002 00000003"
                        "00000002 'PRO' 00 ffffffff 'MIN' 01 80000000 00000001 'MAX' 02 ffffffff 00000000"));
  CHECK(hex(left.output) == hex(octets("00000001 00000006 00000002 00000001 ffffffff 80000000 00000001 00000000")));
  CHECK(left.answers == 4);
  CHECK(left.reasons.empty());
  CHECK_FALSE(left.done_before_eof);
}

TEST_CASE("session: speaks the other byte order where it is told to", "[calc][unit]") {
  const end left = visit_with(octets("01000000 'SUM' 02 01000000 02000000"), byte_order::little);
  CHECK(hex(left.output) == "01 00 00 00 03 00 00 00");
}

TEST_CASE("session: with lent memory the answers are the same for every cut", "[calc][unit]") {
  std::string stream;
  for (std::uint32_t id = 0; id < 40; ++id)
    stream += to_octets({.id = id, .op = "MAX", .numbers = std::vector<std::int32_t>(1 + id % 7, 5)});
  stream += octets("00000002 'DIV' 01 00000001");
  const end whole = visit_with(pieces{stream});
  for (const pieces& cut :
       {pieces{stream}, one_octet_at_a_time(stream), random_cut(stream, 1), random_cut(stream, 2, 100)}) {
    record seen;
    session server({}, seen, start);
    session other({}, seen, start);  // which shares the memory
    session_memory memory;
    std::string heard;
    for (const std::string_view piece : cut) {
      server.feed(as_bytes(piece), start, memory);
      heard += as_text(memory.output);
      memory.output.clear();
      other.feed(as_bytes(octets("00000001 'SUM' 00")), start, memory);
      CHECK(hex(as_text(memory.output)) == "00 00 00 01 00 00 00 00");
      memory.output.clear();
    }
    CHECK((heard == whole.output));
    CHECK(seen.reasons == whole.reasons);
    CHECK(server.take_output().empty());
  }
}

TEST_CASE("session: clock jumps neither end it early nor break it", "[calc][unit]") {
  visit one({.order = byte_order::big, .idle_timeout = 60s});
  one.say(octets("00000001 'SUM' 00"), start + 10s);
  one.server.tick(start - 1h);
  CHECK_FALSE(one.server.done());
  one.say(octets("00000002 'SUM' 00"), start - 1h);
  CHECK(one.server.deadline() == start - 1h + 60s);
  one.say(octets("00000003 'SUM' 00"), start + 1000h);
  one.server.tick(start + 1000h + 59s);
  CHECK_FALSE(one.server.done());
  CHECK(one.server.answers() == 3);
}

TEST_CASE("session: 255 numbers", "[calc][unit]") {
  const end left = visit_with(to_octets({.id = 9, .op = "SUM", .numbers = std::vector<std::int32_t>(255, -3)}));
  CHECK(hex(left.output) == hex(octets("00000009 fffffd03")));
}

TEST_CASE("session: 1,000 requests in one write, and one octet at a time", "[calc][unit]") {
  std::string stream;
  std::string answers;
  for (std::uint32_t id = 0; id < 1000; ++id) {
    stream += to_octets({.id = id, .op = "SUM", .numbers = {static_cast<std::int32_t>(id), 1}});
    bytes due;
    append_answer(due, {.id = id, .value = static_cast<std::int32_t>(id) + 1}, byte_order::big);
    answers += as_text(due);
  }
  for (const pieces& cut :
       {pieces{stream}, one_octet_at_a_time(stream), random_cut(stream, 1), random_cut(stream, 2)}) {
    const end left = visit_with(cut);
    CHECK((left.output == answers));
    CHECK(left.answers == 1000);
  }
}

TEST_CASE("session: a request without an answer ends it, after everything before was answered", "[calc][unit]") {
  const std::string good = octets("00000001 'SUM' 01 00000005");
  const struct {
    std::string bad;
    std::string why;
  } cases[] = {
      {octets("00000002 'DIV' 01 00000001"), "unknown operation 'DIV'"},
      {octets("00000002 'sum' 01 00000001"), "unknown operation 'sum'"},
      {octets("00000002 1b 'c' 0a 00"), "unknown operation '\\x1bc\\n'"},
      {octets("00000002 'MIN' 00"), "MIN: at least one number is needed"},
      {octets("00000002 'MAX' 00"), "MAX: at least one number is needed"},
      {octets("00000002 'SUM' 02 7fffffff 00000001"), "SUM of 2 numbers: the result is outside 32 bits"},
      {octets("00000002 'PRO' 02 00010000 00008000"), "PRO of 2 numbers: the result is outside 32 bits"},
  };
  for (const auto& each : cases) {
    INFO(each.why);
    const end left = visit_with(good + good + each.bad + good);
    CHECK(hex(left.output) == hex(octets("00000001 00000005 00000001 00000005")));
    CHECK(left.answers == 2);
    CHECK(left.reasons == texts{each.why});
    CHECK(left.done_before_eof);
  }
}

TEST_CASE("session: what the header shows is refused without waiting for the numbers", "[calc][unit]") {
  visit one;
  one.say(octets("00000001 'SUM' 00 00000002 'DIV'"));
  CHECK_FALSE(one.server.done());
  one.say(octets("ff"));  // announces 255 numbers
  CHECK(one.server.done());
  CHECK(one.seen.reasons == texts{"unknown operation 'DIV'"});
}

TEST_CASE("session: half a request, then the end", "[calc][unit]") {
  const end left = visit_with(octets("00000001 'SUM' 00 00000002 'SUM' 01 0000"));
  CHECK(hex(left.output) == "00 00 00 01 00 00 00 00");
  CHECK(left.reasons == texts{"the connection ended after 10 octets of a request"});
}

TEST_CASE("session: half a request, then silence", "[calc][unit]") {
  visit one({.order = byte_order::big, .idle_timeout = 60s});
  one.say(octets("00000001 'SUM' 00 00000002 'SUM' 01 0000"), start + 10s);
  REQUIRE(one.server.deadline() == start + 70s);
  one.server.tick(start + 69s);
  CHECK_FALSE(one.server.done());
  one.server.tick(start + 70s);
  CHECK(one.server.done());
  CHECK(one.seen.reasons == texts{"idle timeout after 10 octets of a request"});
  CHECK(hex(one.heard()) == "00 00 00 01 00 00 00 00");
  CHECK_FALSE(one.server.deadline());
}

TEST_CASE("session: an octet now and then does not prolong a request", "[calc][unit]") {
  visit one({.order = byte_order::big, .idle_timeout = 60s});
  const std::string slow = octets("00000001 'SUM' 04 00000000 00000000");
  for (std::size_t at = 0; at < slow.size(); ++at) one.say(slow.substr(at, 1), start + at * 3s);
  CHECK(one.server.deadline() == start + 60s);
  visit text({.order = byte_order::big, .idle_timeout = 60s});
  text.say("SUM 1 1 1 ", start + 50s);
  CHECK(text.server.deadline() == start + 60s);
  text.say("1\n", start + 55s);
  CHECK(text.server.deadline() == start + 115s);
}

TEST_CASE("session: a peer that says nothing is let go without a complaint", "[calc][unit]") {
  visit one({.order = byte_order::big, .idle_timeout = 60s});
  one.server.tick(start + 60s);
  CHECK(one.server.done());
  CHECK(one.seen.reasons.empty());
  CHECK(one.heard().empty());
}

TEST_CASE("session: an idle timeout of 0 is none", "[calc][unit]") {
  visit one({.order = byte_order::big, .idle_timeout = 0s});
  CHECK_FALSE(one.server.deadline());
  one.server.tick(start + 1000h);
  CHECK_FALSE(one.server.done());
}

TEST_CASE("session: a line of text is answered with a number", "[calc][unit]") {
  const end left = visit_with("SUM 1 2 3\r\nmax -4 -5\r\n  pro 2   3 \r\n");
  CHECK(left.output == "6\r\n-4\r\n6\r\n");
  CHECK(left.answers == 3);
  CHECK(left.reasons.empty());
}

TEST_CASE("session: answers end as the lines do", "[calc][unit]") {
  CHECK(visit_with("SUM 1\nSUM 2\r\nSUM 3\n").output == "1\n2\r\n3\n");
}

TEST_CASE("session: a bad line is answered with an error, and the connection stays", "[calc][unit]") {
  const end left = visit_with("DIV 1 2\nSUM 1 x\nMIN\nSUM 2147483647 1\n\nSUM 1\n");
  CHECK(left.output ==
        "error: unknown operation 'DIV' (SUM, PRO, MIN or MAX)\n"
        "error: 'x' is not a whole number\n"
        "error: at least one number is needed\n"
        "error: the result is outside 32 bits\n"
        "error: an empty line (write SUM 1 2 3)\n"
        "1\n");
  CHECK(left.reasons.size() == 5);
  CHECK(left.answers == 1);
  CHECK_FALSE(left.done_before_eof);
}

TEST_CASE("session: help helps", "[calc][unit]") {
  const end left = visit_with("help\r\n?\r\n");
  CHECK(left.output.starts_with("SUM, PRO, MIN or MAX"));
  CHECK(left.output.ends_with("\r\n"));
  for (std::size_t at = 0; (at = left.output.find('\n', at)) != std::string::npos; ++at)
    CHECK(left.output[at - 1] == '\r');
}

TEST_CASE("session: quit ends it, and nothing behind it is answered", "[calc][unit]") {
  const end left = visit_with("SUM 1\nQUIT\nSUM 2\n");
  CHECK(left.output == "1\nbye\n");
  CHECK(left.done_before_eof);
  CHECK(visit_with("  exit \r\n").output == "bye\r\n");
}

TEST_CASE("session: the last line needs no end", "[calc][unit]") {
  CHECK(visit_with("SUM 1 2").output == "3\n");
  CHECK(visit_with("quit").output == "bye\n");
  CHECK(visit_with("x").output == "error: unknown operation 'x' (did you mean PRO?)\n");
  CHECK(visit_with("").output.empty());
}

TEST_CASE("session: Telnet negotiation before a line is refused, and the line answered", "[calc][unit]") {
  // On ports other than 23, inetutils-telnet does not negotiate; PuTTY starts with these options.
  const end left = visit_with(octets("fffb1f fffb20 fffb18 fffb27 fffd01 fffb03 fffd03 'SUM 1 2' 0d0a"));
  CHECK(hex(left.output) == hex(octets("fffe1f fffe20 fffe18 fffe27 fffc01 fffe03 fffc03 '3' 0d0a")));
  CHECK(left.reasons.empty());
}

TEST_CASE("session: Telnet commands inside a line are no part of it", "[calc][unit]") {
  CHECK(visit_with(octets("'SUM 1' fff1 '2 3' 0d00")).output == "15\r\n");
}

TEST_CASE("session: a Telnet command between lines is answered between their answers", "[calc][unit]") {
  CHECK(hex(visit_with(octets("'SUM 1' 0a fffd01 'SUM 2' 0a fffd03")).output) ==
        hex(octets("'1' 0a fffc01 '2' 0a fffc03")));
  CHECK(hex(visit_with(octets("'quit' 0a fffd01")).output) == hex(octets("'bye' 0a")));
  CHECK(visit_with(octets("'SUM 1' 01 fffd01 0a")).output.ends_with("nor a line of text\n" + octets("fffc01")));
}

TEST_CASE("session: text shows itself with the first octet that no operation has there", "[calc][unit]") {
  visit one;
  one.say("SUM ");
  CHECK(one.heard().empty());
  one.say(octets("fffb01"));  // the fifth octet decides: this is Telnet and is answered
  CHECK(hex(one.heard()) == "ff fe 01");

  visit other;
  other.say(octets("'abc' 0a 'SU'"));
  CHECK(other.heard().empty());
  other.say("x");
  CHECK(other.heard() == "error: unknown operation 'abc' (SUM, PRO, MIN or MAX)\n");
}

TEST_CASE("session: short lines before the fifth octet wait for it", "[calc][unit]") {
  visit one;
  one.say("?\n");
  CHECK(one.heard().empty());
  one.say("?\nx");
  CHECK_FALSE(one.heard().empty());
}

TEST_CASE("session: octets that spell an operation in places 4 to 6 are binary, whatever stands before",
          "[calc][unit]") {
  CHECK(hex(visit_with(octets("'SUM ' 'SUM' 00")).output) == hex(octets("'SUM ' 00000000")));
  CHECK(hex(visit_with(octets("fffb0120 'MAX' 01 00000007")).output) == hex(octets("fffb0120 00000007")));
  CHECK(hex(visit_with(octets("'abc' 0a 'PRO' 00")).output) == hex(octets("'abc' 0a 00000001")));
}

TEST_CASE("session: the decision is made once", "[calc][unit]") {
  // Text first: later input that looks binary is a line.
  const end text = visit_with(octets("'SUM 1' 0a 'xxxxSUM 1' 0a"));
  CHECK(text.output == "1\nerror: unknown operation 'xxxxSUM' (SUM, PRO, MIN or MAX)\n");
  // Binary first: later input that looks like text is a request, and an invalid one.
  const end binary = visit_with(octets("00000001 'SUM' 00 'SUM 1 2' 0a"));
  CHECK(hex(binary.output) == "00 00 00 01 00 00 00 00");
  CHECK(binary.reasons == texts{"unknown operation '1 2'"});
}

TEST_CASE("session: a lower-case operation in a binary request gets a line that says what is wrong", "[calc][unit]") {
  const end left = visit_with(octets("00000001 'sum' 01 00000005"));
  CHECK(left.output == "error: neither a binary request (SUM, PRO, MIN or MAX after the ID) nor a line of text\n");
  CHECK(left.reasons == texts{"neither a binary request nor a line of text"});
  CHECK(left.answers == 0);
}

TEST_CASE("session: binary nonsense costs one line for each of its lines", "[calc][unit]") {
  const end left = visit_with(octets("01020304 05060708 0a 00000a 'SUM 4' 0a"));
  CHECK(left.reasons.size() == 2);
  CHECK(left.output.ends_with("\n4\n"));
}

TEST_CASE("session: a text line of 1 MiB is refused once, and the next one answered", "[calc][unit]") {
  const std::string stream = std::string(1024 * 1024, '1') + "\nSUM 1\n";
  for (const pieces& cut : {pieces{stream}, random_cut(stream, 3, 5000), one_octet_at_a_time(stream)}) {
    const end left = visit_with(cut);
    CHECK(left.output == "error: a line has at most 4096 characters\n1\n");
    CHECK(left.reasons == texts{"a text line of more than 4096 characters"});
  }
}

TEST_CASE("session: a text line has up to 4096 characters", "[calc][unit]") {
  const std::string longest = "SUM 1" + std::string(4091, ' ');
  CHECK(visit_with(longest + "\r\n").output == "1\r\n");
  CHECK(visit_with(longest + " \n").output == "error: a line has at most 4096 characters\n");
  std::string most = "SUM";
  for (int count = 0; count < 255; ++count) most += " -000000001";
  CHECK(visit_with(most + "\n").output == "-255\n");
}

TEST_CASE("session: the refusal of a line that is too long ends as the lines before it did", "[calc][unit]") {
  CHECK(visit_with("SUM 1\r\n" + std::string(5000, 'x') + "\nSUM 2\n").output ==
        "1\r\nerror: a line has at most 4096 characters\r\n2\n");
  CHECK(visit_with("SUM 1\n" + std::string(5000, 'x') + "\r\nSUM 2\n").output ==
        "1\nerror: a line has at most 4096 characters\n2\n");
}

TEST_CASE("session: a line that is too long and has control characters is the same for every cut", "[calc][unit]") {
  const std::string early = "SUM " + std::string(100, '1') + "\x01" + std::string(5000, '1') + "\nSUM 1\n";
  CHECK(visit_with(early).output ==
        "error: neither a binary request (SUM, PRO, MIN or MAX after the ID) nor a line of text\n1\n");
  const std::string late = "SUM " + std::string(5000, '1') + "\x01" + "\nSUM 1\n";
  CHECK(visit_with(late).output == "error: a line has at most 4096 characters\n1\n");
}

TEST_CASE("session: a stop between requests ends it at once", "[calc][unit]") {
  visit fresh;
  fresh.server.stop(start);
  CHECK(fresh.server.done());
  visit binary;
  binary.say(octets("00000001 'SUM' 00")).server.stop(start);
  CHECK(binary.server.done());
  CHECK(hex(binary.heard()) == "00 00 00 01 00 00 00 00");
  visit text;
  text.say("SUM 1\n").server.stop(start);
  CHECK(text.server.done());
  CHECK(text.heard() == "1\n");
}

TEST_CASE("session: a stop in the middle of a request waits for its end", "[calc][unit]") {
  visit binary;
  binary.say(octets("00000001 'SUM' 01 0000")).server.stop(start);
  CHECK_FALSE(binary.server.done());
  binary.say(octets("0005"));
  CHECK(binary.server.done());
  CHECK(hex(binary.heard()) == "00 00 00 01 00 00 00 05");
  visit undecided;
  undecided.say(octets("000000")).server.stop(start);
  CHECK_FALSE(undecided.server.done());
  undecided.say(octets("01 'SUM' 00"));
  CHECK(undecided.server.done());
  CHECK(hex(undecided.heard()) == "00 00 00 01 00 00 00 00");
  visit text;
  text.say("SUM 1 ").server.stop(start);
  CHECK_FALSE(text.server.done());
  text.say("2\r\n");
  CHECK(text.server.done());
  CHECK(text.heard() == "3\r\n");
}

TEST_CASE("session: everything that came together is answered before a stop", "[calc][unit]") {
  visit one;
  one.say(octets("00000001 'SUM' 01 0000")).server.stop(start);
  one.say(octets("0005 00000002 'SUM' 00 00000003 'SUM' 00"));
  CHECK(one.server.done());
  CHECK(one.server.answers() == 3);
}

TEST_CASE("session: nothing is said after its end", "[calc][unit]") {
  visit one;
  one.say("quit\n");
  CHECK(one.heard() == "bye\n");
  one.say("SUM 1\n");
  one.server.eof(start);
  one.server.tick(start + 1000h);
  one.server.stop(start);
  CHECK(one.heard().empty());
  CHECK(one.server.done());
}

}  // namespace netlab::calc::session_test
