// SPDX-License-Identifier: MIT
#include "mail/client/capabilities.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::mail::capabilities_test {

TEST_CASE("capabilities: keywords count in any case", "[mail]") {
  const auto all = parse_capabilities({250,
                                       {"mail.example.org", "PIPELINING", "starttls", "Size 1000", "8bitMIME",
                                        "chunking", "SMTPUTF8", "dsn", "auth PLAIN login"}});
  CHECK(all.pipelining);
  CHECK(all.starttls);
  CHECK(all.size);
  CHECK(all.max_size == 1000);
  CHECK(all.eight_bit_mime);
  CHECK(all.chunking);
  CHECK(all.smtputf8);
  CHECK(all.dsn);
  CHECK(all.offers("PLAIN"));
  CHECK(all.offers("LOGIN"));
  CHECK_FALSE(all.offers("CRAM-MD5"));
}

TEST_CASE("capabilities: the first line is a name, whatever it looks like", "[mail]") {
  CHECK_FALSE(parse_capabilities({250, {"STARTTLS"}}).starttls);
}

TEST_CASE("capabilities: the old form of AUTH counts, and no mechanism twice", "[mail]") {
  const auto all = parse_capabilities({250, {"x", "AUTH=LOGIN PLAIN", "AUTH LOGIN CRAM-MD5"}});
  CHECK(all.auth == std::vector<std::string>{"LOGIN", "PLAIN", "CRAM-MD5"});
}

TEST_CASE("capabilities: what is broken is passed over", "[mail]") {
  const auto all = parse_capabilities({250, {"x", "", "   ", "SIZE lots", "XAUTH PLAIN", "SIZE99"}});
  CHECK(all.size);
  CHECK(all.max_size == 0);
  CHECK(all.auth.empty());
}

}  // namespace netlab::mail::capabilities_test
