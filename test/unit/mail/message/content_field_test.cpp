// SPDX-License-Identifier: MIT
#include "mail/message/content_field.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::mail::content_field_test {

TEST_CASE("content field: a value and its parameters, quoted or not", "[mail][unit]") {
  const auto field = parse_content_field("Text/Plain; charset=UTF-8; Format=\"flowed\"; x = y");
  CHECK(field.value == "text/plain");
  CHECK(field.parameter("charset") == "UTF-8");
  CHECK(field.parameter("format") == "flowed");
  CHECK(field.parameter("x") == "y");
  CHECK(field.parameter("missing").empty());
}

TEST_CASE("content field: comments and quoted characters are understood", "[mail][unit]") {
  const auto field = parse_content_field(R"( attachment (of (sorts)) ; filename="a \"b\";c.txt" (here) ; size=5)");
  CHECK(field.value == "attachment");
  CHECK(field.parameter("filename") == R"(a "b";c.txt)");
  CHECK(field.parameter("size") == "5");
}

TEST_CASE("content field: sections and extended values are put together (RFC 2231)", "[mail][unit]") {
  CHECK(parse_content_field("a; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt").parameter("filename") == "Grüße.txt");
  CHECK(parse_content_field("a; filename*0*=iso-8859-1'de'Gr%FC; filename*1=\"sse \"; filename*2*=%26.txt")
            .parameter("filename") == "Grüsse &.txt");
  CHECK(parse_content_field("a; filename*1=b; filename*0=a; filename*3=d").parameter("filename") == "ab");
  CHECK(parse_content_field("a; filename=old; filename*=utf-8''new").parameter("filename") == "new");
}

TEST_CASE("content field: encoded words in a value are decoded, as many programs write them", "[mail][unit]") {
  CHECK(parse_content_field("a; name=\"=?utf-8?B?R3LDvMOfZQ==?=\"").parameter("name") == "Grüße");
}

TEST_CASE("content field: of two parameters of one name, the first counts", "[mail][unit]") {
  CHECK(parse_content_field("a; b=1; b=2").parameter("b") == "1");
}

TEST_CASE("content field: what is broken gives what can be read", "[mail][unit]") {
  CHECK(parse_content_field("").value.empty());
  CHECK(parse_content_field(";;; =; a").parameters.size() <= 1);
  CHECK(parse_content_field("text/plain; charset=\"utf-8").parameter("charset") == "utf-8");
  CHECK(parse_content_field("text/plain; charset=\"utf-8\\").parameter("charset") == "utf-8\\");
  CHECK(parse_content_field("text/plain (no end; charset=utf-8").parameters.empty());
  CHECK(parse_content_field("a; n*=utf-8'half; m*x=1; o*99999999999999999999=1").parameter("n") == "utf-8'half");
  std::string many = "a";
  for (int at = 0; at < 10'000; ++at) many += "; p" + std::to_string(at) + "=1";
  CHECK(parse_content_field(many).parameters.size() <= 100);
}

TEST_CASE("content field: a boundary is not decoded", "[mail][unit]") {
  CHECK(raw_parameter("multipart/mixed; boundary=\"=?utf-8?q?x?=\"", "boundary") == "=?utf-8?q?x?=");
}

}  // namespace netlab::mail::content_field_test
