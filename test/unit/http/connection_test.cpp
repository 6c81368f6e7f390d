// SPDX-License-Identifier: MIT
#include "http/connection.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace netlab::http::connection_test {

using namespace std::chrono_literals;

namespace {

constexpr time_point start{};

std::string take(connection& from) { return std::string(as_text(from.take_output())); }

/// Answers each request with its path.
std::string serve(connection& on, time_point now = start) {
  while (const auto asked = on.take_request()) {
    std::string path;
    for (const std::string& each : asked->segments) path += "/" + each;
    on.respond({.type = "text/plain", .body = path + asked->body}, now);
  }
  return take(on);
}

connection make() { return {connection_limits{}, {{"X-Always", "1"}}, start}; }

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr std::string_view simple = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("connection: any cut of the request gives the same response", "[http][unit]") {
  const std::string text = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  connection whole = make();
  whole.feed(as_bytes(text), start);
  const std::string expected = serve(whole);
  CHECK(expected == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Always: 1\r\nContent-Length: 5\r\n\r\n/xabc");
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    connection two = make();
    two.feed(as_bytes(std::string_view(text).substr(0, cut)), start);
    std::string got = serve(two);
    two.feed(as_bytes(std::string_view(text).substr(cut)), start);
    got += serve(two);
    CHECK(got == expected);
  }
  connection single = make();
  std::string got;
  for (const char c : text) {
    single.feed(as_bytes(std::string_view(&c, 1)), start);
    got += serve(single);
  }
  CHECK(got == expected);
}

TEST_CASE("connection: pipelined requests are answered in order, one after the other", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"), start);
  const std::string out = serve(one);
  CHECK(out.find("/1") < out.find("/2"));
  CHECK_FALSE(one.done());
}

TEST_CASE("connection: HEAD gets the head of GET", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"), start);
  const std::string out = serve(one);
  CHECK(has(out, "Content-Length: 2\r\n"));
  CHECK(out.ends_with("\r\n\r\n"));
}

TEST_CASE("connection: a head that is too long gets 431 before its end", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes("GET / HTTP/1.1\r\nX: "), start);
  for (int piece = 0; piece < 100 && !one.done(); ++piece) one.feed(as_bytes(std::string(1000, 'x')), start);
  CHECK(one.done());
  CHECK(take(one).starts_with("HTTP/1.1 431 "));
}

TEST_CASE("connection: a line end without CR is refused at once", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes("GET / HTTP/1.1\n"), start);
  CHECK(one.done());
  CHECK(take(one).starts_with("HTTP/1.1 400 "));
}

TEST_CASE("connection: a slow request gets 408, however it is cut", "[http][unit]") {
  connection one = make();
  for (int second = 0; second < 10; ++second)
    one.feed(as_bytes(simple.substr(static_cast<std::size_t>(second), 1)), start + second * 1s);
  REQUIRE(one.deadline());
  CHECK(*one.deadline() <= start + 10s);
  one.tick(start + 10s);
  CHECK(one.done());
  CHECK(take(one).starts_with("HTTP/1.1 408 "));
}

TEST_CASE("connection: empty lines before a request do not move its deadline", "[http][unit]") {
  const std::array<std::pair<std::string_view, std::string_view>, 3> cuts{
      {{"\r\n", "\r\n"}, {"\r\n\r", "\n\r"}, {"\r", "\n\r"}}};
  for (const auto& [first, next] : cuts) {
    connection one = make();
    const auto before = one.deadline();
    REQUIRE(before);
    for (int second = 1; second < 10; ++second) one.feed(as_bytes(second == 1 ? first : next), start + second * 1s);
    CHECK(one.deadline() == before);
    one.tick(*before);
    CHECK(one.done());
  }
  connection used = make();
  used.feed(as_bytes(simple), start);
  serve(used);
  CHECK(used.deadline() == start + 30s);
  for (int second = 1; second < 30; ++second) used.feed(as_bytes("\r\n\r\n"), start + second * 1s);
  CHECK(used.deadline() == start + 30s);
  used.feed(as_bytes("\r\nGET"), start + 29s);
  CHECK(used.deadline() == start + 39s);
  used.feed(as_bytes(simple.substr(3)), start + 30s);
  CHECK(serve(used).ends_with("/x"));
}

TEST_CASE("connection: an idle connection ends without a word", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes(simple), start);
  serve(one);
  CHECK(one.deadline() == start + 30s);
  one.tick(start + 30s);
  CHECK(one.done());
  CHECK(take(one).empty());
}

TEST_CASE("connection: a stream ends with the connection, and hears nothing", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes(simple), start);
  REQUIRE(one.take_request());
  one.respond({.type = "text/event-stream", .is_stream = true}, start);
  CHECK(one.is_streaming());
  CHECK(has(take(one), "Connection: close\r\n\r\n"));
  one.stream("data: 1\n\n");
  one.feed(as_bytes(std::string(100'000, 'x')), start);
  CHECK(take(one) == "data: 1\n\n");
  one.eof(start);
  CHECK(one.done());
}

TEST_CASE("connection: a shared body is handed over in pieces", "[http][unit]") {
  const auto body = std::make_shared<const std::string>(200'000, 'b');
  connection one = make();
  one.feed(as_bytes(simple), start);
  REQUIRE(one.take_request());
  one.respond({.shared_body = body}, start);
  std::size_t total = 0;
  std::size_t pieces = 0;
  while (!one.done()) {
    const std::string piece = take(one);
    CHECK(piece.size() < 70'000);
    total += piece.size();
    ++pieces;
  }
  total += take(one).size();
  CHECK(pieces > 2);
  CHECK(total > body->size());
  CHECK(body.use_count() == 1);
}

TEST_CASE("connection: a reader who stops in the middle of a body is let go", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes(simple), start);
  REQUIRE(one.take_request());
  one.respond({.shared_body = std::make_shared<const std::string>(200'000, 'b')}, start);
  take(one);
  one.sent(start + 5s);
  CHECK(one.deadline() == start + 15s);
  one.tick(start + 15s);
  CHECK(one.done());
}

TEST_CASE("connection: what a peer sends during a body never puts an error into it", "[http][unit]") {
  const auto body = std::make_shared<const std::string>(200'000, 'b');
  connection one = make();
  one.feed(as_bytes(simple), start);
  REQUIRE(one.take_request());
  one.respond({.shared_body = body}, start);
  std::string out = take(one);
  one.feed(as_bytes(std::string(20'000, 'x')), start);
  CHECK(one.done());
  out += take(one);
  CHECK(out.starts_with("HTTP/1.1 200 "));
  CHECK(out.find("HTTP/1.1", 1) == std::string::npos);
  CHECK(out.ends_with("b"));
  CHECK(body.use_count() == 1);
}

TEST_CASE("connection: Expect: 100-continue is answered before the body", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"), start);
  CHECK(take(one) == "HTTP/1.1 100 Continue\r\n\r\n");
  one.feed(as_bytes("b"), start);
  CHECK(serve(one).ends_with("/b"));
}

TEST_CASE("connection: a client that closes its sending side still gets its answers", "[http][unit]") {
  connection one = make();
  one.feed(as_bytes(simple), start);
  one.eof(start);
  CHECK(serve(one).ends_with("/x"));
  CHECK(one.done());
}

TEST_CASE("connection: stop ends what is idle, and lets an answer finish", "[http][unit]") {
  connection idle = make();
  idle.stop(start);
  CHECK(idle.done());
  connection busy = make();
  busy.feed(as_bytes(simple), start);
  busy.stop(start);
  CHECK_FALSE(busy.done());
  CHECK(has(serve(busy), "Connection: close"));
  CHECK(busy.done());
}

TEST_CASE("connection: of many requests at once, the next waits until there is room for its answer", "[http][unit]") {
  std::string many;
  for (int count = 0; count < 300; ++count) many += simple;
  for (const bool ends : {false, true}) {
    connection one = make();
    one.feed(as_bytes(many), start);
    if (ends) one.eof(start);
    std::size_t answers = 0;
    for (std::string piece = "x"; !piece.empty();) {
      while (const auto asked = one.take_request()) {
        one.respond({.body = std::string(10'000, 'b')}, start);
        ++answers;
      }
      piece = take(one);
      CHECK(piece.size() < 80'000);
    }
    CHECK(answers == 300);
    CHECK(one.done() == ends);
  }
}

}  // namespace netlab::http::connection_test
