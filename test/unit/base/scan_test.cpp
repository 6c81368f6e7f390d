// SPDX-License-Identifier: MIT
#include "base/scan.hpp"

#include <string>

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan_test {

TEST_CASE("length_before: finds the first that matches wherever it stands", "[base][scan]") {
  const auto is_special = [](auto octet) { return (octet < 0x20) | (octet == '"') | (octet >= 0x80); };
  for (std::size_t size = 0; size < 50; ++size) {
    const std::string plain(size, 'x');
    CHECK(length_before(plain, is_special) == size);
    for (std::size_t at = 0; at < size; ++at)
      for (const char c : {'\0', '\x1f', '"', '\x80', '\xff'}) {
        std::string text = plain;
        text[at] = c;
        text.back() = '"';
        CHECK(length_before(text, is_special) == at);
      }
  }
}

TEST_CASE("length_before: what only nearly matches does not", "[base][scan]") {
  const std::string text(40, ' ');
  CHECK(length_before(text + '\x7f' + "!#", [](auto octet) { return (octet < 0x20) | (octet == '"'); }) == 43);
}

}  // namespace netlab::scan_test
