// SPDX-License-Identifier: MIT
#include "base/domain.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::domain_test {

using test::failed_with;

TEST_CASE("domain: names are lower-cased, and in A-labels where they are not ASCII", "[base][domain]") {
  CHECK(to_ascii_domain("Example.ORG") == "example.org");
  CHECK(to_ascii_domain("bücher.example") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("BÜCHER.Example") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("ПРИМЕР.рф") == "xn--e1afmkfd.xn--p1ai");
  CHECK(to_ascii_domain("日本語。jp") == "xn--wgv71a119e.jp");
  CHECK(to_ascii_domain("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("example.org.") == "example.org");
  CHECK(to_ascii_domain("bücher.example.") == "xn--bcher-kva.example");
  CHECK(to_ascii_domain("localhost") == "localhost");
  CHECK(to_ascii_domain("_dmarc.example") == "_dmarc.example");
  CHECK(to_ascii_domain("_dmarc.bücher.example") == "_dmarc.xn--bcher-kva.example");
}

TEST_CASE("domain: what is written in another way is the same name, as UTS 46 maps it", "[base][domain]") {
  CHECK(to_ascii_domain("ｅｘａｍｐｌｅ.org") == "example.org");
  CHECK(to_ascii_domain("ＥＸＡＭＰＬＥ．ＯＲＧ") == "example.org");
  CHECK(to_ascii_domain("İstanbul.example") == "xn--istanbul-o0e.example");
  CHECK(to_ascii_domain("caf\u00e9.example") == "xn--caf-dma.example");
  CHECK(to_ascii_domain("cafe\u0301.example") == "xn--caf-dma.example");
  CHECK(to_ascii_domain("straße.example") == "xn--strae-oqa.example");
  CHECK(to_ascii_domain("ΒΌΛΟΣ.example") == "xn--nxasmq6b.example");
}

TEST_CASE("domain: symbols and unassigned characters are in no name", "[base][domain]") {
  for (const std::string_view bad : {"☕.example", "♥.example", "💩.example", "a⁄b.example", "a∕b", "¼⁇.example"})
    CHECK(failed_with(to_ascii_domain(bad), errc::bad_data));
}

TEST_CASE("domain: what DNS has no name for is refused", "[base][domain]") {
  using namespace std::string_view_literals;
  for (const auto bad : {""sv,
                         "."sv,
                         ".a"sv,
                         "a..b"sv,
                         "a b"sv,
                         "a\nb"sv,
                         "a\rb"sv,
                         "a\0b"sv,
                         "a@b"sv,
                         "-a.b"sv,
                         "a-.b"sv,
                         "a/b"sv,
                         "\xff"sv,
                         "a\xc3"sv,
                         "a\xe2\x80\x8b.b"sv,
                         "a\xe2\x80\xae.b"sv,
                         "a\xc2\xad.b"sv,
                         "ü..b"sv,
                         ".ü"sv,
                         "ü b"sv,
                         "ü@b"sv,
                         "-ü.b"sv,
                         "ü\0b"sv,
                         "☕\uFE0F.b"sv,
                         "a\uFE0F.b"sv})
    CHECK(failed_with(to_ascii_domain(bad), errc::bad_data));
  CHECK(to_ascii_domain(std::string(63, 'a') + ".b"));
  CHECK(failed_with(to_ascii_domain(std::string(64, 'a') + ".b"), errc::bad_data));
  CHECK(failed_with(to_ascii_domain(std::string(64, 'a') + ".ü"), errc::bad_data));
  const std::string label(49, 'a');
  CHECK(to_ascii_domain(label + "." + label + "." + label + "." + label + "." + label + ".ab"));
  CHECK(failed_with(to_ascii_domain(label + "." + label + "." + label + "." + label + "." + label + ".abcd"),
                    errc::bad_data));
}

}  // namespace netlab::domain_test
