// SPDX-License-Identifier: MIT
#include "mail/message/message.hpp"

#include <array>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "base/base64.hpp"
#include "support/failure.hpp"
#include "support/message.hpp"

namespace netlab::mail::message_test {

using namespace std::string_literals;
using test::draft_to;
using test::failed_with;
using test::octets_of;
using test::why;

namespace {

// A source whose size differs from the octets that it returns.
class liar final : public source {
 public:
  liar(std::uint64_t said, std::uint64_t given) : said_(said), given_(given) {}
  [[nodiscard]] std::uint64_t size() const override { return said_; }
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    const std::size_t length = std::min<std::uint64_t>(to.size(), given_ - std::min(offset, given_));
    std::fill_n(to.begin(), length, 'x');
    return length;
  }
  [[nodiscard]] std::string label() const override { return "report.pdf"; }

 private:
  std::uint64_t said_;
  std::uint64_t given_;
};

std::string text_of(const draft& sample, server_abilities server = {}) {
  auto made = compose(sample, server);
  return made ? octets_of(*made) : why(made);
}

}  // namespace

TEST_CASE("compose: a plain message has what RFC 5322 and MIME want, and nothing else", "[mail][unit]") {
  draft sample = draft_to("Bob <b@example.org>");
  sample.subject = "hello";
  sample.text = "Hi,\nthere";
  CHECK(text_of(sample) ==
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        "From: a@example.org\r\n"
        "To: Bob <b@example.org>\r\n"
        "Subject: hello\r\n"
        "Message-ID: <1@example.org>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Hi,\r\nthere\r\n");
}

TEST_CASE("compose: no Bcc, in whatever place", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.bcc = *parse_mailbox_list("secret@example.org");
  CHECK_FALSE(text_of(sample).contains("secret"));
  for (const auto* name : {"Bcc", "bcc", "Resent-Bcc"}) {
    sample.headers = {{name, "c@example.org"}};
    CHECK(failed_with(compose(sample, {}), errc::bad_data));
  }
}

TEST_CASE("compose: the text is 8-bit only where the server takes that", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "Grüße aus der weiten Ferne\n";
  auto plain = compose(sample, {});
  REQUIRE(plain);
  CHECK_FALSE(plain->needs_8bitmime());
  CHECK(octets_of(*plain).contains("Gr=C3=BC=C3=9Fe aus der weiten Ferne\r\n"));
  auto better = compose(sample, {.eight_bit_mime = true});
  REQUIRE(better);
  CHECK(better->needs_8bitmime());
  CHECK_FALSE(better->needs_smtputf8());
  CHECK(octets_of(*better).contains("Content-Transfer-Encoding: 8bit\r\n\r\nGrüße aus der weiten Ferne\r\n"));
}

TEST_CASE("compose: SMTPUTF8 is needed for a local part outside ASCII alone", "[mail][unit]") {
  draft sample = draft_to("Jürgen <j@bücher.example>");
  sample.subject = "Grüße";
  auto made = compose(sample, {.eight_bit_mime = true, .smtputf8 = true});
  REQUIRE(made);
  CHECK_FALSE(made->needs_smtputf8());
  sample.cc = *parse_mailbox_list("jörg@example.org");
  made = compose(sample, {.eight_bit_mime = true, .smtputf8 = true});
  REQUIRE(made);
  CHECK(made->needs_smtputf8());
  CHECK(failed_with(compose(sample, {.eight_bit_mime = true}), errc::rejected));
  sample.cc.clear();
  sample.headers = {{"Reply-To", "jörg@example.org"}};
  CHECK(failed_with(compose(sample, {}), errc::rejected));
}

TEST_CASE("compose: read in any cut, rewound or made again, the octets are the same", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "text";
  sample.html = "<p>text</p>";
  sample.attachments.push_back({"a.bin", "", std::make_shared<memory_source>(std::string(100'000, 'x'))});
  sample.attachments.push_back({"empty.bin", "", std::make_shared<memory_source>("")});
  auto made = compose(sample, {});
  REQUIRE(made);
  const std::string whole = octets_of(*made);
  CHECK(whole.size() == made->size());
  made->rewind();
  CHECK(octets_of(*made, GENERATE(1U, 7U, 78U, 4096U, 1U << 20)) == whole);
  CHECK(text_of(sample) == whole);
  CHECK(made->read({}).value() == 0);
}

TEST_CASE("compose: a text and its HTML are alternatives, attachments stand beside them", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "text\n";
  sample.html = "<p>text</p>\n";
  sample.attachments.push_back({"a.png", "", std::make_shared<memory_source>("foobar")});
  const std::string message = text_of(sample);
  const std::size_t mixed = message.find("multipart/mixed");
  const std::size_t alternative = message.find("multipart/alternative");
  CHECK(mixed < alternative);
  CHECK(alternative < message.find("text/plain"));
  CHECK(message.find("text/plain") < message.find("text/html"));
  CHECK(message.find("text/html") < message.find("image/png"));
  CHECK(message.contains("Content-Disposition: attachment; filename=a.png\r\n\r\nZm9vYmFy\r\n--=_"));
}

TEST_CASE("compose: what holds an 8-bit part says that it is 8-bit", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "Grüße";
  sample.attachments.push_back({"a.png", "", std::make_shared<memory_source>("foobar")});
  const std::string message = text_of(sample, {.eight_bit_mime = true});
  CHECK(message.find("Content-Transfer-Encoding: 8bit") < message.find("--=_"));
  CHECK_FALSE(text_of(sample).contains("8bit"));
}

TEST_CASE("compose: no text has the boundary in it", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "x";
  sample.html = "y";
  const std::string first = text_of(sample);
  const std::size_t at = first.find("=_");
  const std::string boundary = first.substr(at, first.find('"', at) - at);
  sample.text = "--" + boundary + "\n--" + boundary + "--\n";
  const std::string second = text_of(sample);
  const std::size_t other = second.find("=_");
  CHECK(second.substr(other, second.find('"', other) - other) != boundary);
}

TEST_CASE("compose: what would end a header line is refused, wherever it stands", "[mail][unit]") {
  const draft good = draft_to("b@example.org");
  REQUIRE(compose(good, {}));
  const std::string bad = GENERATE("a\r\nBcc: x@y"s, "a\nb"s, "a\rb"s, "a\0b"s, "\x1b[2J"s, "\xff"s);
  draft sample = good;
  sample.subject = bad;
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample = good;
  sample.to.front().name = bad;
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample = good;
  sample.from.name = bad;
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample = good;
  sample.headers = {{"X-Note", bad}};
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample.headers = {{bad, "x"}};
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample.headers = {{"Message-ID", bad}};
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample = good;
  sample.message_id = bad + "@x";
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample = good;
  sample.attachments.push_back({bad, "", std::make_shared<memory_source>("")});
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample = good;
  sample.attachments.push_back({"x", bad, std::make_shared<memory_source>("")});
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
}

TEST_CASE("compose: fields that the message has already are refused", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  for (const auto* name : {"From", "TO", "cc", "Subject", "MIME-Version", "Content-Type", "X:", "", "X Y"}) {
    sample.headers = {{name, "x"}};
    CHECK(failed_with(compose(sample, {}), errc::bad_data));
  }
  sample.headers = {{"Reply-To", "a@b"}, {"reply-to", "c@d"}};
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
  sample.headers = {{"X-Empty", " "}};
  CHECK(failed_with(compose(sample, {}), errc::bad_data));
}

TEST_CASE("compose: Date and Message-ID can be given", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.headers = {{"Date", "Thu, 1 Jan 1970 00:00:00 +0000"}, {"Message-ID", "<own@example.org>"}};
  auto made = compose(sample, {});
  REQUIRE(made);
  CHECK(made->message_id() == "own@example.org");
  const std::string message = octets_of(*made);
  CHECK(message.contains("Message-ID: <own@example.org>\r\n"));
  CHECK(message.find("Date:") == message.rfind("Date:"));
  CHECK(message.contains("Date: Thu, 1 Jan 1970"));
}

TEST_CASE("compose: an attachment that shrinks or grows while it is read is a failure that says so", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  const auto [said, given] =
      GENERATE(std::pair(100'000, 99'999), std::pair(100'000, 0), std::pair(100'000, 100'001), std::pair(0, 1));
  sample.attachments.push_back(
      {"x", "", std::make_shared<liar>(static_cast<std::uint64_t>(said), static_cast<std::uint64_t>(given))});
  auto made = compose(sample, {});
  REQUIRE(made);
  std::array<char, 4096> buffer;
  auto got = made->read(buffer);
  for (; got && *got != 0; got = made->read(buffer)) {}
  REQUIRE_FALSE(got);
  CHECK(classify(got.error().code) == error_class::input_output);
  CHECK(why(got).find("report.pdf: it changed while it was sent: it had") != std::string::npos);
}

TEST_CASE("compose: for a server with BINARYMIME an attachment is sent as it is", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "hello";
  const std::string octets = "a\nb\r\n\0\xff.\r\n"s + std::string(2000, 'x');
  sample.attachments.push_back({"a.bin", "", std::make_shared<memory_source>(octets)});
  auto made = compose(sample, {.binary_mime = true});
  REQUIRE(made);
  CHECK(made->needs_binarymime());
  const std::string message = octets_of(*made);
  CHECK(message.size() == made->size());
  CHECK(message.contains("Content-Transfer-Encoding: binary\r\n\r\n--=_"));
  CHECK(message.contains("filename=a.bin\r\n\r\n" + octets + "\r\n--=_"));
  // A text alone does not need it.
  sample.attachments.clear();
  made = compose(sample, {.binary_mime = true});
  CHECK_FALSE(made->needs_binarymime());
}

TEST_CASE("compose: a message suits the servers for which composing it again would gain nothing", "[mail][unit]") {
  const server_abilities none{};
  const server_abilities usual{.eight_bit_mime = true, .smtputf8 = true};
  const server_abilities all{.eight_bit_mime = true, .smtputf8 = true, .binary_mime = true};
  draft sample = draft_to("b@example.org");
  sample.text = "hello";
  const auto suits = [&](const server_abilities& made_for, const server_abilities& server) {
    const auto made = compose(sample, made_for);
    REQUIRE(made);
    return made->suits(server);
  };
  CHECK(suits(usual, none));
  CHECK(suits(usual, all));
  CHECK(suits(all, none));
  sample.text = "Grüße";
  CHECK_FALSE(suits(usual, none));
  CHECK(suits(usual, {.eight_bit_mime = true}));
  sample.cc = *parse_mailbox_list("jörg@example.org");
  CHECK_FALSE(suits(usual, {.eight_bit_mime = true}));
  CHECK(suits(usual, all));
  sample.attachments.push_back({"a.bin", "", std::make_shared<memory_source>("octets")});
  CHECK(suits(usual, usual));
  CHECK_FALSE(suits(usual, all));  // there the attachment needs no Base64
  CHECK(suits(all, all));
  CHECK_FALSE(suits(all, usual));
}

TEST_CASE("compose: a text that is not UTF-8 is refused", "[mail][unit]") {
  draft sample = draft_to("b@example.org");
  sample.text = "\xe4";
  CHECK(failed_with(compose(sample, {.eight_bit_mime = true}), errc::bad_data));
}

TEST_CASE("compose: without a text the body is empty", "[mail][unit]") {
  CHECK(text_of(draft_to("b@example.org")).ends_with("\r\n\r\n"));
}

TEST_CASE("message id: time, randomness, domain", "[mail][unit]") {
  const std::array<std::byte, 3> random{std::byte{1}, std::byte{0xab}, std::byte{0}};
  CHECK(make_message_id(std::chrono::sys_seconds(std::chrono::seconds(255)), random, "example.org") ==
        "ff.01ab00@example.org");
}

}  // namespace netlab::mail::message_test
