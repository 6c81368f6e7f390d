// SPDX-License-Identifier: MIT
#include "mail/message/header.hpp"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "support/failure.hpp"

namespace netlab::mail::header_test {

using namespace std::string_view_literals;
using test::failed_with;

namespace {

std::string unstructured(std::string_view text) {
  std::string out;
  append_unstructured(out, "Subject", text);
  return out;
}

std::string mailboxes(std::string_view text) {
  std::string out;
  append_mailboxes(out, "To", *parse_mailbox_list(text));
  return out;
}

std::string parameter(std::string_view value) {
  std::string out;
  std::size_t column = 31;
  append_parameter(out, column, "filename", value);
  return out;
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  for (const std::string_view line : split(text, '\n')) longest = std::max(longest, trim(line).size());
  return longest;
}

}  // namespace

TEST_CASE("header text: line ends, controls and broken UTF-8 are refused", "[mail][unit]") {
  CHECK(check_header_text("Grüße\tan alle", "subject"));
  for (const auto bad :
       {"a\nb"sv, "a\rb"sv, "a\0b"sv, "\x1b[0m"sv, "\x7f"sv, "\xc2\x9b"sv, "\xff"sv, "\xc3"sv, "\xed\xa0\x80"sv})
    CHECK(failed_with(check_header_text(bad, "subject"), errc::bad_data));
}

TEST_CASE("field names are printable ASCII without a colon", "[mail][unit]") {
  for (const auto good : {"X"sv, "X-Foo"sv, "!"sv}) CHECK(is_field_name(good));
  for (const auto bad : {""sv, "X Y"sv, "X:"sv, "Ä"sv, "X\n"sv, "X\t"sv, "\0"sv}) CHECK_FALSE(is_field_name(bad));
}

TEST_CASE("unstructured: ASCII stays as it is, folded at blanks", "[mail][unit]") {
  CHECK(unstructured("hello, world") == "Subject: hello, world\r\n");
  const std::string folded =
      unstructured("one two three four five six seven eight nine ten eleven twelve thirteen fourteen");
  CHECK(folded == "Subject: one two three four five six seven eight nine ten eleven twelve\r\n thirteen fourteen\r\n");
  CHECK(unstructured(std::string(300, 'x')) == "Subject: " + std::string(300, 'x') + "\r\n");
  CHECK(unstructured("a  b\tc") == "Subject: a  b\tc\r\n");
}

TEST_CASE("unstructured: words outside ASCII are encoded, in Q or B, whichever is shorter", "[mail][unit]") {
  CHECK(unstructured("one Wörter two") == "Subject: one =?utf-8?Q?W=C3=B6rter?= two\r\n");
  CHECK(unstructured("日本語") == "Subject: =?utf-8?B?5pel5pys6Kqe?=\r\n");
  CHECK(unstructured("for May für März") == "Subject: for May =?utf-8?B?ZsO8ciBNw6Ryeg==?=\r\n");
}

TEST_CASE("unstructured: what looks like an encoded-word is encoded itself", "[mail][unit]") {
  CHECK(unstructured("see =?utf-8?Q?x?= here") == "Subject: see =?utf-8?B?PT91dGYtOD9RP3g/PQ==?= here\r\n");
}

TEST_CASE("unstructured: no line with an encoded-word has more than 76 characters", "[mail][unit]") {
  std::string text;
  for (int i = 0; i < 60; ++i) text += i % 3 == 0 ? "plain " : i % 3 == 1 ? "Wörter " : "日本語の長い言葉";
  CHECK(longest_line(unstructured(text)) <= 76);
  CHECK(longest_line(unstructured(std::string(5000, 'x'))) <= 76);
  const std::string field = unstructured(text);
  for (const std::string_view line : split(field, '\n')) CHECK((line.empty() || trim(line) != ""));
}

TEST_CASE("unstructured: a word stays as it is as long as a line has room for it", "[mail][unit]") {
  const std::string longest(998 - 9, 'x');
  CHECK(unstructured(longest) == "Subject: " + longest + "\r\n");
  CHECK(longest_line(unstructured(longest + "x")) <= 76);
  CHECK(unstructured("a " + std::string(997, 'x')) == "Subject: a\r\n " + std::string(997, 'x') + "\r\n");
  CHECK(longest_line(unstructured("a " + std::string(998, 'x'))) <= 76);
}

TEST_CASE("unstructured: a plain word beside encoded-words keeps to their 76 octets, whatever comes first",
          "[mail][unit]") {
  for (std::size_t length = 1; length < 90; ++length) {
    const std::string plain(length, 'x');
    for (const std::string& text : {"Wörter " + plain, plain + " Wörter", plain + " Wörter " + plain + " ü y"}) {
      const std::string field = unstructured(text);
      for (const std::string_view line : split(field, '\n'))
        CHECK((!line.contains("=?") || trim(line).size() + (line.starts_with(' ') ? 1 : 0) <= 76));
    }
    std::string field;
    append_unstructured(field, std::string(std::min<std::size_t>(length, 76), 'N'), "Wörter und Wörter");
    for (const std::string_view line : split(field, '\n')) CHECK((!line.contains("=?") || trim(line).size() <= 76));
  }
}

TEST_CASE("structured: long words are as they are, up to a line's length, and refused beyond it", "[mail][unit]") {
  const auto structured = [](std::string_view text) {
    std::string out;
    const auto done = append_structured(out, "References", text);
    return done ? out : "refused";
  };
  const std::string id = "<" + std::string(500, 'a') + "@example.org>";
  CHECK(structured(id + " " + id) == "References: " + id + "\r\n " + id + "\r\n");
  const std::string longest(998 - 12, 'x');
  CHECK(structured(longest) == "References: " + longest + "\r\n");
  CHECK(structured(longest + "x") == "refused");
  CHECK(structured("a " + std::string(998, 'x')) == "refused");
  CHECK(structured("<a@b> =?utf-8?Q?x?=") == "References: <a@b> =?utf-8?Q?x?=\r\n");
}

TEST_CASE("structured: encoded-words stand in comments, and nowhere else", "[mail][unit]") {
  const auto structured = [](std::string_view text) {
    std::string out;
    const auto done = append_structured(out, "List-Post", text);
    return done ? out : "refused";
  };
  CHECK(structured("NO (Grüße)") == "List-Post: NO (=?utf-8?B?R3LDvMOfZQ==?=)\r\n");
  CHECK(structured("(an alle) <mailto:a@b> (für Köln)") ==
        "List-Post: (an alle) <mailto:a@b> (=?utf-8?B?ZsO8ciBLw7Zsbg==?=)\r\n");
  CHECK(structured("(a (bä) c)") == "List-Post: (a (=?utf-8?B?YsOk?=) c)\r\n");
  for (const std::string_view bad : {"<https://example.org/é>", "é", "\"é\"", "\"(é)\"", "(a) é", "(a\\)é", "(ä(b)ü)"})
    CHECK(structured(bad) == "refused");
  std::string text = "(";
  for (int i = 0; i < 30; ++i) text += "Grüße Wörter plain ";
  CHECK(longest_line(structured(text + "Ende)")) <= 76);
}

TEST_CASE("phrases: each is encoded where it has to be; so is List-Id's", "[mail][unit]") {
  std::string out;
  CHECK(append_phrases(out, "Keywords", "netlab, größer, \"in quotes\""));
  CHECK(out == "Keywords: netlab, =?utf-8?B?Z3LDtsOfZXI=?=, in quotes\r\n");
  out.clear();
  CHECK(append_list_id(out, "List-Id", "Grüße an alle <all.example.org>"));
  CHECK(out == "List-Id: =?utf-8?B?R3LDvMOfZSBhbiBhbGxl?= <all.example.org>\r\n");
  CHECK_FALSE(append_list_id(out, "List-Id", "<äll.example.org>"));
}

TEST_CASE("unstructured: each encoded-word has whole characters", "[mail][unit]") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "🙂";
  const std::string field = unstructured(text);
  std::size_t words_seen = 0;
  for (const std::string_view word : words(std::string_view(field).substr(8))) {
    const std::string_view encoded = trim(word);
    REQUIRE(encoded.starts_with("=?utf-8?B?"));
    const auto octets = decode_base64(encoded.substr(10, encoded.size() - 12));
    REQUIRE(octets);
    CHECK(is_utf8(as_text(*octets)));
    ++words_seen;
  }
  CHECK(words_seen > 3);
}

TEST_CASE("mailboxes: names are phrases, quoted strings or encoded-words", "[mail][unit]") {
  CHECK(mailboxes("a@b") == "To: a@b\r\n");
  CHECK(mailboxes("John Doe <a@b>") == "To: John Doe <a@b>\r\n");
  CHECK(mailboxes("John Q. Doe <a@b>") == "To: \"John Q. Doe\" <a@b>\r\n");
  CHECK(mailboxes("\"a \\\"b\\\\\" <a@b>") == "To: \"a \\\"b\\\\\" <a@b>\r\n");
  CHECK(mailboxes("Jürgen <a@bücher.example>") == "To: =?utf-8?Q?J=C3=BCrgen?= <a@xn--bcher-kva.example>\r\n");
  CHECK(mailboxes("\"=?utf-8?Q?x?=\" <a@b>") == "To: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?= <a@b>\r\n");
}

TEST_CASE("mailboxes: no line with an encoded name has more than 76 characters", "[mail][unit]") {
  for (std::size_t length = 1; length < 64; ++length) {
    const std::string local(length, 'x');
    const std::string field =
        mailboxes("Jörg <" + local + "@b>, " + local + "@b, Jörg Ö <y@b>, \"a, b\" <" + local + "@c>");
    for (const std::string_view line : split(field, '\n'))
      CHECK((!line.contains("=?") || trim(line).size() + (line.starts_with(' ') ? 1 : 0) <= 76));
  }
}

TEST_CASE("mailboxes: lists are folded between them", "[mail][unit]") {
  std::string list;
  for (int i = 0; i < 100; ++i) list += "\"Some One\" <someone@example.org>, ";
  const std::string field = mailboxes(list);
  CHECK(longest_line(field) <= 78);
  CHECK(field.find("<someone@example.org>,\r\n ") != std::string::npos);
  CHECK(field.ends_with("<someone@example.org>\r\n"));
}

TEST_CASE("parameter: a token, a quoted string, or RFC 2231", "[mail][unit]") {
  CHECK(parameter("a.txt") == "; filename=a.txt");
  CHECK(parameter("a b.txt") == "; filename=\"a b.txt\"");
  CHECK(parameter("ä.txt") == "; filename*=utf-8''%C3%A4.txt");
  CHECK(parameter("a\"b") == "; filename*=utf-8''a%22b");
  CHECK(parameter("=?utf-8?Q?x?=.txt") == ";\r\n filename*=utf-8''%3D%3Futf-8%3FQ%3Fx%3F%3D.txt");
  const std::string sections = parameter(std::string(130, 'x'));
  CHECK(sections.find("\r\n filename*0*=utf-8''xxx") != std::string::npos);
  CHECK(sections.find("\r\n filename*2*=x") != std::string::npos);
  CHECK(longest_line(sections) <= 78);
}

TEST_CASE("date: RFC 5322's, in the zone that is given", "[mail][unit]") {
  using namespace std::chrono;
  CHECK(to_date(sys_seconds(seconds(0)), minutes(0)) == "Thu, 1 Jan 1970 00:00:00 +0000");
  CHECK(to_date(sys_seconds(seconds(1'700'000'000)), minutes(-210)) == "Tue, 14 Nov 2023 18:43:20 -0330");
  CHECK(to_date(sys_days(2028y / February / 29) + hours(23), minutes(60)) == "Wed, 1 Mar 2028 00:00:00 +0100");
}

}  // namespace netlab::mail::header_test
