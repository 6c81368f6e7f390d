// SPDX-License-Identifier: MIT
#include "mail/message/charset.hpp"

#include <string>

#include <catch2/catch_test_macros.hpp>

namespace netlab::mail::charset_test {

namespace {

// Returns a limited number of octets per read.
class in_pieces final : public source {
 public:
  in_pieces(std::string text, std::size_t most) : whole_(std::move(text)), most_(most) {}
  [[nodiscard]] std::uint64_t size() const override { return whole_.size(); }
  [[nodiscard]] netlab::result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    return whole_.read(offset, to.first(std::min(most_, to.size())));
  }
  [[nodiscard]] std::string label() const override { return "pieces"; }

 private:
  memory_source whole_;
  std::size_t most_;
};

std::string charset(std::string text) { return std::string(charset_of(memory_source(std::move(text))).value()); }

}  // namespace

TEST_CASE("charset: ASCII, UTF-8, or nothing that is sure", "[mail][unit]") {
  CHECK(charset("") == "us-ascii");
  CHECK(charset("a,b\r\n\tc\n") == "us-ascii");
  CHECK(charset("Grüße, 日本語, 🙂\n") == "utf-8");
  CHECK(charset("\xef\xbb\xbf"
                "a;b\n") == "utf-8");
  CHECK(charset("Gr\xfc\xdf"
                "e") == "");
  CHECK(charset("Gr\xc3") == "");
  CHECK(charset(std::string("a\0b", 3)) == "");
  CHECK(charset("\x1b$B$3\x1b(B") == "");
  CHECK(charset(std::string(200'000, 'x') + "ü") == "utf-8");
}

TEST_CASE("charset: characters that are cut are whole all the same", "[mail][unit]") {
  const std::string text = "aü日🙂bü日🙂";
  for (std::size_t most = 1; most < text.size(); ++most) {
    CHECK(charset_of(in_pieces(text, most)) == "utf-8");
    CHECK(charset_of(in_pieces(text.substr(0, text.size() - 1), most)) == "");
  }
}

}  // namespace netlab::mail::charset_test
