// SPDX-License-Identifier: MIT
#include "lab/journal/recognizer.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>

#include "calc/wire.hpp"

namespace netlab::lab::recognizer_test {

using namespace std::chrono_literals;

namespace {

constexpr wall_time start{std::chrono::hours(1000)};

bytes octets_of(std::string_view text) {
  const bytes_view octets = as_bytes(text);
  return {octets.begin(), octets.end()};
}

bytes request(std::vector<std::int32_t> numbers = {1, 2}, byte_order order = byte_order::big) {
  bytes octets;
  calc::append_request(octets, {.id = 1, .op = "SUM", .numbers = std::move(numbers)}, order);
  return octets;
}

/// A class of one team, and what was recognized.
struct room {
  recognizer it{{.scanned = {{"echo", 7, false},
                             {"discard", 9, false},
                             {"daytime", 13, false},
                             {"smtp", 25, false},
                             {"echo", 7, true},
                             {"discard", 9, true},
                             {"time", 37, true}}}};
  std::uint64_t last = 0;
  std::map<sheet_step, std::string> marks;
  std::vector<class_event> events;
  std::vector<kept_mail> mails;

  void collect() {
    for (class_event& each : it.take_events()) {
      for (const step_mark& mark : each.marks)
        marks[mark.which] = std::string(name_of(mark.state)) + (mark.note.empty() ? "" : ": " + mark.note);
      events.push_back(std::move(each));
    }
    for (kept_mail& each : it.take_mails()) mails.push_back(std::move(each));
  }
  void push(observation what) {
    what.address = "192.0.2.7";
    it.observe(std::move(what), "192.0.2.7");
    collect();
  }
  std::uint64_t connect(std::string_view service, std::uint16_t port = 40000, wall_time at = start) {
    push({.kind = observed::connected, .at = at, .connection = ++last, .port = port, .service = service});
    return last;
  }
  void send(std::uint64_t on, bytes octets, wall_time at = start) {
    push({.kind = observed::received, .at = at, .connection = on, .octets = std::move(octets)});
  }
  void close(std::uint64_t on, wall_time at = start) { push({.kind = observed::closed, .at = at, .connection = on}); }
  void datagram(std::string_view service, bytes octets, std::uint16_t port = 40000, wall_time at = start,
                bool answered = true) {
    const std::size_t size = octets.size();
    push({.kind = observed::datagram,
          .at = at,
          .port = port,
          .service = service,
          .octets = std::move(octets),
          .length = size,
          .is_answered = answered});
  }
  void tick(wall_time at) {
    it.tick(at);
    collect();
  }
  std::string mark(sheet_step which) { return marks.contains(which) ? marks[which] : "none"; }

  void line(std::uint64_t on, char by, std::string text, wall_time at) {
    push({.kind = observed::line, .at = at, .connection = on, .by = by, .text = std::move(text)});
  }
  /// A session of mail in which the client waits this long before each command.
  std::uint64_t mail(std::chrono::milliseconds pause, bool tls, const std::string& from_field,
                     std::string sender = "a@lab.example") {
    const std::uint64_t on = connect("submission");
    wall_time at = start;
    line(on, 'S', "220 hello", at);
    if (tls) push({.kind = observed::tls_started, .at = at, .connection = on, .text = "TLSv1.3 X"});
    line(on, 'C', "EHLO me", at);
    line(on, 'S', "250 ok", at);
    for (const std::string& each :
         {std::string("MAIL FROM:<a@lab.example>"), std::string("RCPT TO:<b@lab.example>"), std::string("DATA")}) {
      at += pause;
      line(on, 'C', each, at);
      line(on, 'S', each == "DATA" ? "354 go" : "250 ok", at);
    }
    observation accepted{.kind = observed::mail_accepted, .at = at, .connection = on};
    accepted.mail = {.id = "M1",
                     .sender = std::move(sender),
                     .recipients = {"b@lab.example"},
                     .size = 10,
                     .header = "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n" + from_field + "\r\nhello\r\n"};
    push(std::move(accepted));
    line(on, 'S', "250 queued", at);
    return on;
  }
};

}  // namespace

TEST_CASE("recognizer: calc by TCP and UDP are done with an answer", "[lab][unit]") {
  room one;
  one.send(one.connect("calc"), request());
  CHECK(one.mark(sheet_step::calc_tcp) == "done");
  CHECK(one.mark(sheet_step::calc_udp) == "none");
  one.datagram("calc", request());
  CHECK(one.mark(sheet_step::calc_udp) == "done");
  CHECK(one.mark(sheet_step::local_end) == "none");
}

TEST_CASE("recognizer: a wrong request is tried, and says why", "[lab][unit]") {
  room one;
  one.send(one.connect("calc"), request({1, 2}, byte_order::little));
  CHECK(one.mark(sheet_step::calc_tcp) == "tried: sent little-endian");
  bytes few = request();
  few[7] = std::byte{3};
  one.datagram("calc", few, 40000, start, false);
  CHECK(one.mark(sheet_step::calc_udp) == "tried: N says 3, 2 numbers came");
}

TEST_CASE("recognizer: telnet is a line of text with an answer", "[lab][unit]") {
  room one;
  const auto on = one.connect("calc");
  one.send(on, octets_of("SUM x\r\n"));
  CHECK(one.mark(sheet_step::telnet) == "tried: error: 'x' is not a whole number");
  one.send(on, octets_of("SUM 1 2\r\n"));
  CHECK(one.mark(sheet_step::telnet) == "done");
  CHECK(one.mark(sheet_step::calc_tcp) == "none");
}

TEST_CASE("recognizer: several clients are open together, and each gets an answer", "[lab][unit]") {
  room busy;  // each sends while the other is there
  const auto a = busy.connect("calc", 40001);
  const auto b = busy.connect("calc", 40002);
  busy.send(a, request());
  CHECK(busy.mark(sheet_step::several_clients) == "none");
  busy.send(b, request());
  CHECK(busy.mark(sheet_step::several_clients) == "done");

  room idle;  // both stay
  const auto first = idle.connect("calc", 40001);
  idle.send(first, request());
  idle.send(idle.connect("calc", 40002, start + 1s), request(), start + 1s);
  CHECK(idle.mark(sheet_step::several_clients) == "none");
  idle.tick(start + 1100ms);
  CHECK(idle.mark(sheet_step::several_clients) == "done");

  room gone;  // one has left when the other gets its answer
  const auto one = gone.connect("calc", 40001);
  const auto other = gone.connect("calc", 40002);
  gone.send(one, request());
  gone.close(one, start + 200ms);
  gone.send(other, request(), start + 300ms);
  CHECK(gone.mark(sheet_step::several_clients) == "done");

  room in_turn;  // the end of the first is seen after the second has come
  const auto before = in_turn.connect("calc", 40001);
  in_turn.send(before, request());
  const auto after = in_turn.connect("calc", 40002, start + 10ms);
  in_turn.close(before, start + 12ms);
  in_turn.send(after, request(), start + 13ms);
  in_turn.tick(start + 10s);
  CHECK(in_turn.mark(sheet_step::several_clients) == "none");
}

TEST_CASE("recognizer: of two clients at once, one that waits is told", "[lab][unit]") {
  room one;
  const auto served = one.connect("calc", 40001);
  const auto waiting = one.connect("calc", 40002);
  bytes few = request();
  few.pop_back();
  one.send(waiting, few);
  one.send(served, request());
  one.tick(start + 900ms);
  CHECK(one.mark(sheet_step::several_clients) == "none");
  one.tick(start + 1s);
  CHECK(one.mark(sheet_step::several_clients).starts_with("tried: two connections at once"));
  one.send(waiting, {std::byte{2}}, start + 2s);
  CHECK(one.mark(sheet_step::several_clients) == "done");
}

TEST_CASE("recognizer: a local end of its own is a port that no system chooses, or the same again", "[lab][unit]") {
  room low;
  low.send(low.connect("calc", 4711), request());
  CHECK(low.mark(sheet_step::local_end) == "done: from port 4711");

  room again;
  const auto on = again.connect("calc", 40000);
  again.send(on, request());
  again.close(on);
  CHECK(again.mark(sheet_step::local_end) == "none");
  again.send(again.connect("calc", 40000), request());
  CHECK(again.mark(sheet_step::local_end) == "done: from port 40000");

  room unanswered;
  unanswered.close(unanswered.connect("calc", 4711));
  CHECK(unanswered.mark(sheet_step::local_end) == "tried: from port 4711, without an answer");

  room udp;
  udp.datagram("calc", request(), 40000);
  udp.datagram("calc", request(), 40000);
  CHECK(udp.mark(sheet_step::local_end) == "none");
  udp.datagram("calc", request(), 5000);
  CHECK(udp.mark(sheet_step::local_end) == "done: from port 5000");

  // Windows takes such ports by itself, Linux does not.
  room high;
  high.datagram("calc", request(), 61000);
  high.datagram("calc", request(), 55000);
  CHECK(high.mark(sheet_step::local_end) == "none");
  high.datagram("calc", request(), 40000);
  CHECK(high.mark(sheet_step::local_end) == "done: from port 61000");
}

TEST_CASE("recognizer: echo counts unless it is part of a scan", "[lab][unit]") {
  room one;
  one.send(one.connect("echo"), octets_of("hello"));
  CHECK(one.mark(sheet_step::echo_tcp) == "none");
  one.tick(start + 600ms);
  CHECK(one.mark(sheet_step::echo_tcp) == "done");
  one.datagram("echo", octets_of("hello"), 40000, start + 1s);
  one.tick(start + 1600ms);
  CHECK(one.mark(sheet_step::echo_udp) == "done");

  room scan;
  scan.send(scan.connect("echo"), octets_of("netlab scan\r\n"));
  scan.connect("discard", 40001, start + 50ms);
  scan.tick(start + 2s);
  CHECK(scan.mark(sheet_step::echo_tcp) == "none");
}

TEST_CASE("recognizer: a scan touches all open ports; a part of them is tried", "[lab][unit]") {
  room part;
  part.close(part.connect("echo"));
  part.connect("discard");
  part.connect("daytime");
  part.tick(start + 600ms);
  CHECK(part.mark(sheet_step::scan_tcp) == "tried: open, but not touched: 25");
  part.connect("smtp", 40000, start + 5s);
  CHECK(part.mark(sheet_step::scan_tcp) == "done");
  CHECK(part.mark(sheet_step::scan_udp) == "none");

  room udp;
  for (const std::string_view each : {"echo", "discard", "time"}) udp.datagram(each, {}, 40000, start, false);
  CHECK(udp.mark(sheet_step::scan_udp) == "done");

  room slow;
  wall_time at = start;
  for (const std::string_view each : {"echo", "discard", "daytime", "smtp"}) slow.connect(each, 40000, at += 70s);
  slow.tick(at + 1s);
  CHECK(slow.mark(sheet_step::scan_tcp) == "none");
}

TEST_CASE("recognizer: mail by hand is typed, over STARTTLS", "[lab][unit]") {
  room typed;
  typed.mail(400ms, true, "From: A <a@lab.example>\r\n");
  CHECK(typed.mark(sheet_step::mail_by_hand) == "done");
  CHECK(typed.mark(sheet_step::mail_by_program) == "none");
  CHECK(typed.mark(sheet_step::sender_differs) == "tried: sender and From are both <a@lab.example>");
  REQUIRE(typed.mails.size() == 1);
  CHECK(typed.mails[0].subject == "grüße");
  CHECK(typed.mails[0].is_by_hand);
  CHECK(typed.mails[0].dialogue.back() == dialogue_line{'S', "250 queued"});

  room clear;
  clear.mail(400ms, false, "From: a@lab.example\r\n");
  CHECK(clear.mark(sheet_step::mail_by_hand) == "tried: by hand, but without STARTTLS");

  room program;
  program.mail(3ms, true, "From: boss@lab.example\r\n");
  CHECK(program.mark(sheet_step::mail_by_program) == "done");
  CHECK(program.mark(sheet_step::mail_by_hand) == "none");
  CHECK(program.mark(sheet_step::sender_differs) == "done: sender <a@lab.example>, From <boss@lab.example>");
}

TEST_CASE("recognizer: From may be missing, folded, or a lie about case", "[lab][unit]") {
  room none;
  none.mail(1ms, true, "");
  CHECK(none.mark(sheet_step::sender_differs) == "tried: the header has no From");
  room folded;
  folded.mail(1ms, true, "From: \"A, B\"\r\n <A@LAB.example>\r\n");
  CHECK(folded.mark(sheet_step::sender_differs) == "tried: sender and From are both <a@lab.example>");
  room null_sender;
  null_sender.mail(1ms, true, "From: a@lab.example\r\n", "");
  CHECK(null_sender.mark(sheet_step::sender_differs).starts_with("done: sender <>"));
}

TEST_CASE("recognizer: a mail session without a message says how far it came", "[lab][unit]") {
  room one;
  const auto on = one.connect("submission");
  one.line(on, 'S', "220 hello", start);
  one.line(on, 'C', "EHLO me", start);
  one.line(on, 'S', "250 ok", start);
  one.line(on, 'C', "MAIL FROM:<a@b>", start);
  one.line(on, 'S', "250 ok", start);
  one.close(on);
  CHECK(one.mark(sheet_step::mail_by_program) == "tried: the connection ended after MAIL");
  room refused;
  const auto other = refused.connect("submission");
  refused.line(other, 'C', "RCPT TO:<x>", start);
  refused.push({.kind = observed::mail_refused, .at = start, .connection = other, .text = "550 5.1.1 no"});
  CHECK(refused.mark(sheet_step::mail_by_program) == "tried: 550 5.1.1 no");
  room scan;
  scan.close(scan.connect("smtp"));
  CHECK(scan.marks.empty());
}

TEST_CASE("recognizer: what a peer sent is escaped in every text", "[lab][unit]") {
  room one;
  one.send(one.connect("echo"), octets_of("<script>\x1b[31m\xe2\x80\xae\xff"));
  one.tick(start + 1s);
  one.mail(1ms, true, "From: \x01 <x@y>\r\nTo: \xff\r\n");
  for (const class_event& each : one.events)
    for (const std::string& text : {each.text, each.note})
      for (const char c : text) CHECK(static_cast<unsigned char>(c) >= 0x20);
  for (const class_event& each : one.events) CHECK(each.text.find("\xe2\x80\xae") == std::string::npos);
}

TEST_CASE("recognizer: what is not known is ignored", "[lab][unit]") {
  room one;
  one.close(99);
  one.send(98, request());
  one.line(97, 'C', "MAIL", start);
  CHECK(one.events.empty());
}

}  // namespace netlab::lab::recognizer_test
