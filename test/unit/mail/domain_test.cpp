// SPDX-License-Identifier: MIT
#include "mail/domain.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

using namespace netlab;
using namespace netlab::mail;
using test::failed_with;
using test::why;

namespace {

struct vector {
  std::u32string_view label;
  std::string_view punycode;
};

// RFC 3492 §7.1: (A), (B), (I), (K), (L), (O), (R), (S)
constexpr vector vectors[] = {
    {U"\u0644\u064a\u0647\u0645\u0627\u0628\u062a\u0643\u0644\u0645\u0648\u0634\u0639\u0631\u0628\u064a\u061f",
     "egbpdaj6bu4bxfgehfvwxn"},
    {U"\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587", "ihqwcrb4cv8a8dqg056pqjye"},
    {U"\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438\u043d\u0435\u0433\u043e\u0432\u043e\u0440"
     U"\u044f\u0442\u043f\u043e\u0440\u0443\u0441\u0441\u043a\u0438",
     "b1abfaaepdrnnbgefbadotcwatmq2g4l"},
    {U"3\u5e74b\u7d44\u91d1\u516b\u5148\u751f", "3b-ww4c5e180e575a65lsy2b"},
    {U"Hello-Another-Way-\u305d\u308c\u305e\u308c\u306e\u5834\u6240", "Hello-Another-Way--fc4qua05auwb3674vfr0b"},
    {U"\u305d\u306e\u30b9\u30d4\u30fc\u30c9\u3067", "d9juau41awczczp"},
    {U"-> $1.00 <-", "-> $1.00 <--"},
};

}  // namespace

TEST_CASE("punycode: the samples of RFC 3492 hold both ways", "[mail][unit]") {
  for (const vector& each : vectors) {
    const std::vector<char32_t> label(each.label.begin(), each.label.end());
    CHECK(encode_punycode(label) == std::string(each.punycode));
    CHECK(decode_punycode(each.punycode) == label);
  }
}

TEST_CASE("punycode: what no label gives is not decoded", "[mail][unit]") {
  for (const std::string_view bad : {"99999999", "a-!", "\xc3\xa4-a", "bcher-kv", "zzzzzzzzzzz"})
    CHECK_FALSE(decode_punycode(bad));
}

TEST_CASE("domain: names are lower-cased, and in A-labels where they are not ASCII", "[mail][unit]") {
  CHECK(to_ascii_domain("Example.ORG") == "example.org");
  CHECK(to_ascii_domain("bücher.example") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("BÜCHER.Example") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("ПРИМЕР.рф") == "xn--e1afmkfd.xn--p1ai");
  CHECK(to_ascii_domain("日本語。jp") == "xn--wgv71a119e.jp");
  CHECK(to_ascii_domain("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("example.org.") == "example.org");
  CHECK(to_ascii_domain("localhost") == "localhost");
  CHECK(to_ascii_domain("_dmarc.example") == "_dmarc.example");
}

TEST_CASE("domain: what DNS has no name for is refused", "[mail][unit]") {
  using namespace std::string_view_literals;
  for (const auto bad :
       {""sv, "."sv, ".a"sv, "a..b"sv, "a b"sv, "a\nb"sv, "a\rb"sv, "a\0b"sv, "a@b"sv, "-a.b"sv, "a-.b"sv, "a/b"sv,
        "\xff"sv, "a\xc3"sv, "a\xe2\x80\x8b.b"sv, "a\xe2\x80\xae.b"sv, "a\xc2\xad.b"sv})
    CHECK(failed_with(to_ascii_domain(bad), errc::bad_data));
  CHECK(to_ascii_domain(std::string(63, 'a') + ".b"));
  CHECK(failed_with(to_ascii_domain(std::string(64, 'a') + ".b"), errc::bad_data));
  const std::string label(49, 'a');
  CHECK(to_ascii_domain(label + "." + label + "." + label + "." + label + "." + label + ".ab"));
  CHECK(failed_with(to_ascii_domain(label + "." + label + "." + label + "." + label + "." + label + ".abcd"),
                    errc::bad_data));
}

TEST_CASE("domain: a mark beside its letter is another name than the composed letter, so it is refused",
          "[mail][unit]") {
  CHECK(why(to_ascii_domain("bu\xcc\x88"
                            "cher.example"))
            .find("combining mark") != std::string::npos);
}
