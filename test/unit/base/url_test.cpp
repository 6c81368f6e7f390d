// SPDX-License-Identifier: MIT
#include "base/url.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::url_test {

namespace {
std::string shown(std::string_view text) {
  const auto found = parse_url(text);
  return found ? found->scheme + " " + found->endpoint() + (found->is_secure() ? " secure" : "") : "none";
}
}  // namespace

TEST_CASE("decode_percent: two hexadecimal digits become an octet, other percent signs stay", "[base][url]") {
  CHECK(decode_percent("a%20b%2Fc") == "a b/c");
  CHECK(decode_percent("%c3%BC+") == "\xc3\xbc+");
  CHECK(decode_percent("100%, %4, %zz, %") == "100%, %4, %zz, %");
  CHECK(decode_percent("%2525") == "%25");
}

TEST_CASE("url: scheme, host and port, whatever else is in it", "[base][url]") {
  CHECK(shown("http://localhost/") == "http localhost");
  CHECK(shown("HTTPS://localhost:4711") == "https localhost:4711 secure");
  CHECK(shown("https://ann:secret@example.org:8443/a?b#c") == "https example.org:8443 secure");
  CHECK(shown("smtps://[::1]:465") == "smtps [::1]:465 secure");
  CHECK(shown("imap://[::1]") == "imap [::1]");
  CHECK(shown("tcp://:80") == "tcp :80");
  CHECK(shown("http://a:99999") == "http a");
  CHECK(shown("file:///etc") == "file ");
}

TEST_CASE("url: without a scheme and :// it is not one", "[base][url]") {
  for (const char* text : {"", "localhost", "localhost:80", "a/b", "://x", "1http://x", "ht tp://x", "mailto:a@b"})
    CHECK(shown(text) == "none");
}

}  // namespace netlab::url_test
