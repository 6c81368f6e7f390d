// SPDX-License-Identifier: MIT
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "mail/message/message.hpp"
#include "support/failure.hpp"
#include "support/message.hpp"

namespace netlab::mail::raw_test {

using namespace std::string_literals;
using test::failed_with;
using test::octets_of;
using test::why;

namespace {

// Returns its octets in pieces of one size; change() replaces them.
class slow final : public source {
 public:
  slow(std::string octets, std::size_t at_once) : octets_(std::move(octets)), at_once_(at_once) {}
  void change(std::string octets) { octets_ = std::move(octets); }
  [[nodiscard]] std::uint64_t size() const override { return octets_.size(); }
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    return std::string_view(octets_)
        .substr(std::min<std::uint64_t>(offset, octets_.size()))
        .copy(to.data(), std::min(to.size(), at_once_));
  }
  [[nodiscard]] std::string label() const override { return "m.eml"; }

 private:
  std::string octets_;
  std::size_t at_once_;
};

std::string sent(const std::string& message, std::size_t at_once = 4096, server_abilities server = {true, true}) {
  auto made = raw(std::make_shared<slow>(message, at_once), server);
  if (!made) return why(made);
  const std::string octets = octets_of(*made);
  CHECK(octets.size() == made->size());
  return octets;
}

}  // namespace

TEST_CASE("raw: line ends become CRLF, in any cut of the file", "[mail][unit]") {
  const std::size_t at_once = GENERATE(1U, 2U, 3U, 5U, 4096U);
  CHECK(sent("A: b\n\nx\ry\r\nz\n\r\r\n", at_once) == "A: b\r\n\r\nx\r\ny\r\nz\r\n\r\n\r\n");
  CHECK(sent("A: b\r\n\r\nx", at_once) == "A: b\r\n\r\nx\r\n");
  CHECK(sent("A: b\r\r.\r", at_once) == "A: b\r\n\r\n.\r\n");
  CHECK(sent("A: b\n\nx\r\n\ny", at_once) == "A: b\r\n\r\nx\r\n\r\ny\r\n");
  CHECK(sent("A: b", at_once) == "A: b\r\n");
}

TEST_CASE("raw: Bcc fields go with their folded lines, in any cut and any case; a body keeps its own", "[mail][unit]") {
  const std::size_t at_once = GENERATE(1U, 2U, 7U, 4096U);
  CHECK(sent("A: b\nBcc: x@y,\n\tz@y\n w\nC: d\nbCC :u\nResent-Bcc: v\nBccx: stays\n\nBcc: stays\n", at_once) ==
        "A: b\r\nC: d\r\nBccx: stays\r\n\r\nBcc: stays\r\n");
  CHECK(sent("Bcc: x@y\nA: b\n", at_once) == "A: b\r\n");
}

TEST_CASE("raw: the Message-ID is found", "[mail][unit]") {
  const auto id_of = [](const std::string& message) {
    const auto made = raw(std::make_shared<memory_source>(message), {});
    REQUIRE(made);
    return made->message_id();
  };
  CHECK(id_of("Message-ID: <1@a>\n\n") == "1@a");
  CHECK(id_of("message-id:\n <1@a>\n\n") == "1@a");
  CHECK(id_of("A: b\n\nMessage-ID: <1@a>\n").empty());
}

TEST_CASE("raw: what does not begin with header fields is no message", "[mail][unit]") {
  for (const auto& bad : {""s, "\n"s, "\r\nA: b\n"s, "hello world\n"s, " A: b\n"s, "From me Thu\nA: b\n"s,
                          "\xef\xbb\xbf"
                          "A: b\n"s})
    CHECK(failed_with(raw(std::make_shared<memory_source>(bad), {true, true}), errc::bad_data));
  CHECK(why(raw(std::make_shared<memory_source>("A: b\nno field\n\n"), {})).find("line 2 is neither") !=
        std::string::npos);
}

TEST_CASE("raw: a NUL or a line of more than 998 octets is refused", "[mail][unit]") {
  CHECK(sent("A: b\n\n" + std::string(998, 'x')).ends_with("x\r\n"));
  CHECK(sent("A: b\n\n" + std::string(999, 'x'), GENERATE(1U, 100U, 4096U)).find("line 3 has more than 998") !=
        std::string::npos);
  CHECK(sent("A: "s + std::string(998, 'x')).find("line 1 has more than 998") != std::string::npos);
  CHECK(sent("A: b\n\nx\0y\n"s).find("line 3 contains a NUL") != std::string::npos);
}

TEST_CASE("raw: octets above 127 want a server that takes them", "[mail][unit]") {
  const std::string body = "A: b\n\nGrüße\n";
  CHECK(failed_with(raw(std::make_shared<memory_source>(body), {}), errc::rejected));
  auto made = raw(std::make_shared<memory_source>(body), {.eight_bit_mime = true});
  REQUIRE(made);
  CHECK(made->needs_8bitmime());
  CHECK_FALSE(made->needs_smtputf8());
  const std::string header = "Subject: Grüße\n\n";
  CHECK(failed_with(raw(std::make_shared<memory_source>(header), {.eight_bit_mime = true}), errc::rejected));
  made = raw(std::make_shared<memory_source>(header), {.eight_bit_mime = true, .smtputf8 = true});
  REQUIRE(made);
  CHECK(made->needs_smtputf8());
}

TEST_CASE("raw: a file that changes after it was measured is a failure that says so", "[mail][unit]") {
  const std::string message = "A: b\n\n" + std::string(500, 'x') + "\n";
  const auto changed = GENERATE_COPY(message + "more\n", message.substr(0, 400), std::string("A: b\n"));
  const auto file = std::make_shared<slow>(message, 100);
  auto made = raw(file, {});
  REQUIRE(made);
  file->change(changed);
  CHECK(octets_of(*made).find("m.eml: it changed while it was sent") != std::string::npos);
}

TEST_CASE("raw: it can be sent again", "[mail][unit]") {
  auto made = raw(std::make_shared<slow>("A: b\nBcc: c\n\nx\n", 3), {});
  REQUIRE(made);
  const std::string first = octets_of(*made);
  made->rewind();
  CHECK(octets_of(*made, 1) == first);
}

}  // namespace netlab::mail::raw_test
