// SPDX-License-Identifier: MIT
// The properties of a TLS connection, and a report of them in lines of text.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace netlab::connect {

struct certificate_report {
  std::string subject;
  std::string issuer;
  std::vector<std::string> names;  ///< of the subjectAltName
  std::string not_before;          ///< `2026-03-01 12:00:00 UTC`
  std::string not_after;
  std::string key;                 ///< `EC P-256`, `RSA 2048`
  std::string signature;           ///< `ecdsa-with-SHA256`
  std::string serial;              ///< hexadecimal
  std::string sha256;              ///< `AA:BB:…` of the whole certificate
  std::string pem;
};

/// If the certificate has ended the handshake, properties that are agreed later are unknown.
struct tls_report {
  std::string version;       ///< `TLSv1.3`
  std::string cipher;        ///< `TLS_AES_256_GCM_SHA384`
  std::string key_exchange;  ///< `X25519`; empty: none (a resumed TLS 1.2 session), or unknown
  std::string alpn;          ///< the negotiated protocol; may be empty
  std::string sni;           ///< the server name sent; may be empty
  bool resumed = false;
  bool verified = false;
  std::string verification;  ///< `verified`, or the problem
  std::string ocsp;          ///< the stapled OCSP response in words; empty: unknown
  std::optional<bool> client_certificate_wanted;
  std::vector<certificate_report> chain;  ///< as the server sent it, its own first
};

/// Lines for people. All fields must have been escaped.
[[nodiscard]] std::vector<std::string> to_lines(const tls_report& report);

}  // namespace netlab::connect
