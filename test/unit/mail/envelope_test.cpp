// SPDX-License-Identifier: MIT
#include "mail/envelope.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::mail::envelope_test {

namespace {

envelope some() {
  envelope of;
  of.peer = "192.0.2.1";
  of.helo = "client.example";
  of.is_extended = true;
  of.sender = parse_address("s@example.org").value();
  of.recipients.push_back({.address = parse_address("r@example.org").value(), .notify = {}, .orcpt = {}});
  return of;
}

constexpr std::string_view date = "Sun, 22 Nov 2026 20:16:07 +0000";

}  // namespace

TEST_CASE("envelope: the protocol has the name of RFC 3848 and 6531", "[mail][envelope]") {
  struct expectation {
    bool secure, user, utf8;
    std::string_view name;
  };
  const auto one = GENERATE(values<expectation>({{false, false, false, "ESMTP"},
                                                 {true, false, false, "ESMTPS"},
                                                 {false, true, false, "ESMTPA"},
                                                 {true, true, false, "ESMTPSA"},
                                                 {false, false, true, "UTF8SMTP"},
                                                 {true, false, true, "UTF8SMTPS"},
                                                 {false, true, true, "UTF8SMTPA"},
                                                 {true, true, true, "UTF8SMTPSA"}}));
  envelope of = some();
  of.is_secure = one.secure;
  of.smtputf8 = one.utf8;
  if (one.user) of.user = "tim";
  CHECK(protocol_of(of) == one.name);
  of.is_extended = false;
  CHECK(protocol_of(of) == "SMTP");
}

TEST_CASE("envelope: the trace fields say who brought a message, how, to whom and when", "[mail][envelope]") {
  envelope of = some();
  CHECK(trace_fields(of, "mx.example", "id1", date) ==
        "Return-Path: <s@example.org>\r\n"
        "Received: from client.example ([192.0.2.1])\r\n\tby mx.example with ESMTP id id1\r\n\tfor <r@example.org>;\r\n"
        "\tSun, 22 Nov 2026 20:16:07 +0000\r\n");
  of.peer = "2001:db8::1";
  of.is_secure = true;
  of.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  of.sender.reset();
  of.recipients.push_back(of.recipients.front());
  CHECK(trace_fields(of, "mx.example", "id1", date) ==
        "Return-Path: <>\r\n"
        "Received: from client.example ([IPv6:2001:db8::1])\r\n\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        "\tby mx.example with ESMTPS id id1;\r\n\tSun, 22 Nov 2026 20:16:07 +0000\r\n");
}

}  // namespace netlab::mail::envelope_test
