// SPDX-License-Identifier: MIT
#include "connect/tls_report.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::connect::tls_report_test {

namespace {

std::string text_of(const tls_report& report) {
  std::string text;
  for (const std::string& line : to_lines(report)) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("tls report: what there is is told, what there is not is left out", "[connect][tls_report]") {
  tls_report report{.version = "TLSv1.3",
                    .cipher = "TLS_AES_128_GCM_SHA256",
                    .key_exchange = "X25519",
                    .alpn = "h2",
                    .resumed = true,
                    .verified = true,
                    .verification = "verified",
                    .ocsp = "nothing stapled",
                    .client_certificate_wanted = true,
                    .chain = {{.subject = "CN=a",
                               .issuer = "CN=b",
                               .names = {"a", "192.0.2.1"},
                               .not_before = "x",
                               .not_after = "y",
                               .key = "EC P-256",
                               .signature = "s",
                               .sha256 = "AA"},
                              {.subject = "CN=b", .issuer = "CN=c"}}};
  CHECK(text_of(report) ==
        "TLSv1.3, TLS_AES_128_GCM_SHA256, X25519, ALPN h2, resumed\n"
        "certificate: verified\n"
        "OCSP: nothing stapled\n"
        "the server requested a client certificate\n"
        "0 CN=a\n  issuer   CN=b\n  names    a, 192.0.2.1\n  valid    x to y\n  key      EC P-256, signed s\n"
        "  SHA-256  AA\n"
        "1 CN=b\n  issuer   CN=c\n  valid     to \n  key      , signed \n  SHA-256  \n");
  report = {.version = "TLSv1.2", .cipher = "x", .verified = false, .verification = "it has expired", .ocsp = "good"};
  CHECK(text_of(report) == "TLSv1.2, x\ncertificate: NOT verified: it has expired\nOCSP: good\n");
  report.ocsp.clear();
  CHECK(text_of(report) == "TLSv1.2, x\ncertificate: NOT verified: it has expired\n");
}

}  // namespace netlab::connect::tls_report_test
