// SPDX-License-Identifier: MIT
#include "mail/message/entity.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "base/text.hpp"

namespace netlab::mail::entity_test {

namespace {

std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string changed;
  for (const char c : text)
    if (c == '\n')
      changed += line_end;
    else
      changed += c;
  return changed;
}

std::string body_of(const entity& one, std::string_view message) {
  return std::string(message.substr(one.body_at, one.body_size));
}

constexpr std::string_view mixed =
    "Subject: all sorts\n"
    "Content-Type: multipart/mixed; boundary=\"outer\"\n"
    "\n"
    "for old readers\n"
    "--outer\n"
    "Content-Type: multipart/alternative; boundary=inner\n"
    "\n"
    "--inner\n"
    "\n"
    "plain\n"
    "\n"
    "--inner  \n"
    "Content-Type: text/html; charset=utf-8\n"
    "Content-Transfer-Encoding: quoted-printable\n"
    "\n"
    "<b>Gr=C3=BC=C3=9Fe</b>\n"
    "--inner--\n"
    "--outer\n"
    "Content-Type: image/png; name=\"a/b.png\"\n"
    "Content-Disposition: attachment\n"
    "Content-Transfer-Encoding: base64\n"
    "Content-ID: <one@two>\n"
    "\n"
    "AAEC\n"
    "--outer--\n"
    "after the end\n";

}  // namespace

TEST_CASE("entity: fields are unfolded and decoded, the body begins after the empty line", "[mail][unit]") {
  const std::string message = with_line_ends(
      "Return-Path: <a@example.org>\nSubject: one\n two\n\t=?utf-8?q?=C3=BC?=\nx-Odd :  y \n\nbody\n\nmore\n",
      GENERATE("\n", "\r\n"));
  const entity one = parse_entity(message);
  REQUIRE(one.header.size() == 3);
  CHECK(one.header[0].name == "Return-Path");
  CHECK(one.header[1].value == "one two\tü");
  CHECK(one.header[1].raw == "one two\t=?utf-8?q?=C3=BC?=");
  CHECK(one.value_of("X-ODD") == "y");
  CHECK(one.value_of("missing").empty());
  CHECK(one.type == "text/plain");
  CHECK(with_line_ends(body_of(one, message), "").find("body") == 0);
  CHECK(one.body_at + one.body_size == message.size());
}

TEST_CASE("entity: parts within parts have their numbers, types, names and contents", "[mail][unit]") {
  const std::string message = with_line_ends(mixed, GENERATE("\n", "\r\n"));
  const entity whole = parse_entity(message);
  const auto leaves = leaves_of(whole);
  REQUIRE(leaves.size() == 3);
  CHECK(leaves[0].first == "1.1");
  CHECK(leaves[0].second->type == "text/plain");
  CHECK(trim(text_of(*leaves[0].second, message)) == "plain");
  CHECK(leaves[1].first == "1.2");
  CHECK(leaves[1].second->type == "text/html");
  CHECK(text_of(*leaves[1].second, message) == "<b>Grüße</b>");
  CHECK(leaves[2].first == "2");
  CHECK(leaves[2].second->file_name == "a/b.png");
  CHECK(leaves[2].second->disposition == "attachment");
  CHECK(leaves[2].second->content_id == "one@two");
  CHECK(content_of(*leaves[2].second, message) == std::string("\0\1\2", 3));
}

TEST_CASE("entity: a message without parts is its own first part", "[mail][unit]") {
  const entity one = parse_entity("\nbody");
  const auto leaves = leaves_of(one);
  REQUIRE(leaves.size() == 1);
  CHECK(leaves[0].first == "1");
  CHECK(text_of(one, "\nbody") == "body");
}

TEST_CASE("entity: what is no field begins the body", "[mail][unit]") {
  for (const char* message : {"no field here\nSubject: x\n", ": x\n", "Sub ject: x\n", " folded: x\n"}) {
    CHECK(parse_entity(message).header.empty());
    CHECK(parse_entity(message).body_at == 0);
  }
  CHECK(parse_entity("From ann Mon Nov 30\nSubject: x\n\ny").value_of("subject") == "x");
  CHECK(parse_entity("").header.empty());
}

TEST_CASE("entity: a multipart without its boundary is a part without parts", "[mail][unit]") {
  for (const char* type : {"multipart/mixed", "multipart/mixed; boundary=\"\"", "multipart/mixed; boundary=never"}) {
    const std::string message = std::string("Content-Type: ") + type + "\n\n--other\n\nx\n";
    CHECK(parse_entity(message).parts.empty());
  }
}

TEST_CASE("entity: a message that was cut has the parts that came", "[mail][unit]") {
  for (std::size_t size = 0; size <= mixed.size(); ++size) {
    const entity whole = parse_entity(mixed.substr(0, size));
    for (const auto& [number, part] : leaves_of(whole)) {
      CHECK(part->body_at + part->body_size <= size);
      CHECK(is_utf8(text_of(*part, mixed.substr(0, size))));
    }
  }
}

TEST_CASE("entity: a type that makes no sense is the default one, in a digest a message", "[mail][unit]") {
  CHECK(parse_entity("Content-Type: what/ever/it is\n\n").type == "text/plain");
  CHECK(parse_entity("Content-Type: \n\n").type == "text/plain");
  const std::string_view digest = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\n--b--\n";
  REQUIRE(parse_entity(digest).parts.size() == 1);
  CHECK(parse_entity(digest).parts[0].type == "message/rfc822");
}

TEST_CASE("entity: parts, depth and fields are limited", "[mail][unit]") {
  std::string many = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (std::size_t at = 0; at < max_entity_parts + 10; ++at) many += "--b\n\nx\n";
  CHECK(parse_entity(many).parts.size() == max_entity_parts);

  std::string deep;
  for (int at = 0; at < 1'000; ++at) {
    const std::string boundary = std::to_string(at);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  std::size_t depth = 0;
  const entity whole = parse_entity(deep);
  for (const entity* one = &whole; !one->parts.empty(); one = &one->parts.front()) ++depth;
  CHECK(depth == max_entity_depth);

  std::string fields;
  for (std::size_t at = 0; at < max_entity_fields + 10; ++at) fields += "X: y\n z\n";
  const entity one = parse_entity(fields + "\nbody");
  CHECK(one.header.size() == max_entity_fields);
  CHECK(body_of(one, fields + "\nbody") == "body");
}

TEST_CASE("entity: HTML without a character set is read in the one that it names itself", "[mail][unit]") {
  const std::string_view message = "Content-Type: text/html\n\n<html><META charset='iso-8859-1'>\xfc";
  CHECK(text_of(parse_entity(message), message).ends_with("ü"));
}

TEST_CASE("entity: the end of a header is found with any line ends", "[mail][unit]") {
  CHECK(find_header_end("a: b\n\nc") == 6);
  CHECK(find_header_end("a: b\r\n\r\nc") == 8);
  CHECK(find_header_end("\nc") == 1);
  CHECK(find_header_end("a: b\n") == std::string_view::npos);
  CHECK(find_header_end("") == std::string_view::npos);
}

TEST_CASE("entity: NUL and controls in a message are octets like others", "[mail][unit]") {
  using namespace std::string_view_literals;
  const std::string_view message = "Subject: a\0b\x1b\n\n\0c"sv;
  CHECK(parse_entity(message).value_of("subject") == "a\0b\x1b"sv);
  CHECK(text_of(parse_entity(message), message) == "\0c"sv);
}

}  // namespace netlab::mail::entity_test
