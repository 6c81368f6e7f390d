// SPDX-License-Identifier: MIT
// What many TLS connections share: certificates, keys, trust and rules.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace netlab::tls {

struct client_options {
  std::string ca_file;            ///< PEM; trusted instead of the system's certificates; empty: the system's
  bool insecure = false;          ///< accepts any certificate; the verification result is still available
  std::string certificate_file;   ///< PEM, with its chain; for servers that request one
  std::string key_file;           ///< PEM, not encrypted; empty: the key is in certificate_file
  std::vector<std::string> alpn;  ///< protocol names (RFC 7301), each 1 to 255 octets
  std::string keylog_file;  ///< secrets for Wireshark are appended here (mode 0600); empty: SSLKEYLOGFILE, if set
  bool ask_for_ocsp = false;  ///< requests a stapled OCSP response (RFC 6066 §8)
};

struct server_options {
  std::string certificates;  ///< PEM: the server's own, then those of its CAs
  std::string key;  ///< PEM
  std::string client_ca_file;  ///< requests a client certificate signed by one of these; empty: none
  std::vector<std::string> alpn;  ///< supported protocols, in order of preference
  int least_version = TLS1_2_VERSION;
  int greatest_version = 0;  ///< 0: the newest available
};

/// Certificates, keys and rules for many connections. Each stream keeps the context's state alive. Use it in one
/// thread only. The oldest version is TLS 1.2 (RFC 8996); compression and renegotiation are off.
class context {
 public:
  /// The failure names the file: errc::no_input (cannot be read), errc::bad_data (not a certificate, or a key that does
  /// not match), errc::cannot_create (keylog).
  [[nodiscard]] static result<context> client(const client_options& options);
  [[nodiscard]] static result<context> server(const server_options& options);

  [[nodiscard]] SSL_CTX* native() const noexcept;

 private:
  friend class stream;
  struct state;
  explicit context(std::shared_ptr<state> its) : state_(std::move(its)) {}
  std::shared_ptr<state> state_;
};

}  // namespace netlab::tls
