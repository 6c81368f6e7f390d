// SPDX-License-Identifier: MIT
#include "http/request.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace netlab::http::request_test {

namespace {

std::string head(std::string_view target = "/", std::string_view more = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.example:8080\r\n" + std::string(more) + "\r\n";
}

unsigned status_of(std::string_view text) {
  const auto parsed = parse_head(text);
  return parsed ? 200 : parsed.error().status;
}

}  // namespace

TEST_CASE("request: target, query and fields are decoded", "[http][unit]") {
  const auto parsed = parse_head(head("/a%20b?token=x%2Fy&search=a+b&c", "X-One:  two \t\r\nx-one: three\r\n"));
  REQUIRE(parsed);
  CHECK(parsed->method == method::get);
  CHECK(parsed->segments == std::vector<std::string>{"a b"});
  CHECK(parsed->parameter("token") == "x/y");
  CHECK(parsed->parameter("search") == "a b");
  CHECK(parsed->parameter("c") == "");
  CHECK_FALSE(parsed->parameter("d"));
  CHECK(parsed->field("x-one") == "two");
  CHECK(parsed->host == "a.example:8080");
  CHECK(parsed->keeps_alive);
}

TEST_CASE("request: an absolute target replaces Host", "[http][unit]") {
  const auto parsed = parse_head(head("http://b.example/x?y=1"));
  REQUIRE(parsed);
  CHECK(parsed->host == "b.example");
  CHECK(parsed->segments == std::vector<std::string>{"x"});
  CHECK(parse_head(head("http://b.example"))->segments == std::vector<std::string>{""});
}

TEST_CASE("request: an escaped slash stays in its segment", "[http][unit]") {
  const auto segments_of = [](std::string_view target) { return parse_head(head(target))->segments; };
  CHECK(segments_of("/a%2Fb/c%252Fd") == std::vector<std::string>{"a/b", "c%2Fd"});
  CHECK(segments_of("/a/?b=/c") == std::vector<std::string>{"a", ""});
  CHECK(segments_of("//") == std::vector<std::string>{"", ""});
}

TEST_CASE("request: HTTP/1.0 needs no Host and keeps alive only on request", "[http][unit]") {
  CHECK_FALSE(parse_head("GET / HTTP/1.0\r\n\r\n")->keeps_alive);
  CHECK(parse_head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")->keeps_alive);
  CHECK_FALSE(parse_head(head("/", "Connection: x, close\r\n"))->keeps_alive);
}

TEST_CASE("request: what could be read in two ways is refused", "[http][unit]") {
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);  // no Host
  CHECK(status_of(head("/", "Host: b\r\n")) == 400);
  CHECK(status_of(head("/", " folded\r\n")) == 400);
  CHECK(status_of(head("/", "a b: c\r\n")) == 400);
  CHECK(status_of(head("/", "Name : c\r\n")) == 400);
  CHECK(status_of(head("/", "nothing\r\n")) == 400);
  CHECK(status_of(head("/", "a: b\nc: d\r\n")) == 400);
  CHECK(status_of(head("/", std::string("a: b\0c\r\n", 8))) == 400);
  CHECK(status_of(head("/", "Content-Length: 1\r\nContent-Length: 2\r\n")) == 400);
  CHECK(status_of(head("/", "Content-Length: +1\r\n")) == 400);
  CHECK(status_of(head("/", "Content-Length: -1\r\n")) == 400);
  CHECK(status_of(head("/", "Content-Length: 4097\r\n")) == 413);
  CHECK(status_of(head("/", "Content-Length: 99999999999999999999999\r\n")) == 400);
  CHECK(status_of(head("/", "Transfer-Encoding: chunked\r\n")) == 501);
  CHECK(status_of(head("/", "Expect: more\r\n")) == 417);
  CHECK(status_of(head("*")) == 400);
  CHECK(status_of(head("")) == 400);
  CHECK(status_of(head("/\x80")) == 400);
  CHECK(status_of(head("/" + std::string(max_target, 'a'))) == 414);
  CHECK(status_of("BREW / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
  CHECK(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  CHECK(status_of("GET /\r\n\r\n") == 400);
  CHECK(status_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("\x16\x03\x01\r\n\r\n") == 400);
}

TEST_CASE("request: the number of fields is bounded", "[http][unit]") {
  std::string many;
  for (std::size_t at = 0; at < max_fields; ++at) many += "a: b\r\n";
  CHECK(status_of(head("/", many)) == 431);
}

TEST_CASE("request: malformed escapes stay", "[http][unit]") {
  CHECK(parse_query("a=%4&b=%zz&%=%").size() == 3);
  CHECK(parse_query("a=%4")[0].second == "%4");
  CHECK(parse_query("a=100%25")[0].second == "100%");
}

TEST_CASE("request: percent_encode leaves only unreserved characters", "[http][unit]") {
  CHECK(percent_encode("aZ0-._~") == "aZ0-._~");
  CHECK(percent_encode("\"\r\n;ä") == "%22%0D%0A%3B%C3%A4");
}

}  // namespace netlab::http::request_test
