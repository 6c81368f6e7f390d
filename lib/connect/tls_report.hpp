// SPDX-License-Identifier: MIT
// What is worth knowing of a TLS connection, and the lines that tell it.
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

/// Of a handshake that the certificate has ended, what came behind it is not known.
struct tls_report {
  std::string version;       ///< `TLSv1.3`
  std::string cipher;        ///< `TLS_AES_256_GCM_SHA384`
  std::string key_exchange;  ///< `X25519`; empty: none (a resumed session of TLS 1.2), or not known
  std::string alpn;          ///< the protocol that both chose; may be empty
  std::string sni;           ///< what was asked for by name; may be empty
  bool resumed = false;
  bool verified = false;
  std::string verification;  ///< `verified`, or what is wrong
  std::string ocsp;          ///< what the server had stapled, in words; empty: not known
  std::optional<bool> client_certificate_wanted;
  std::vector<certificate_report> chain;  ///< as the server sent it, its own first
};

/// Lines for a person. Everything in it was escaped before.
[[nodiscard]] std::vector<std::string> to_lines(const tls_report& report);

}  // namespace netlab::connect
