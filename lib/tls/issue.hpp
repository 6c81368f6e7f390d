// SPDX-License-Identifier: MIT
// Creates keys and certificates for a lab's own CA.
#pragma once

#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tls/openssl_ptr.hpp"

namespace netlab::tls {

using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;

/// A certificate and its P-256 key.
struct issued {
  certificate_ptr certificate;
  key_ptr key;
};

struct certificate_request {
  std::string common_name;            ///< UTF-8, at most 64 characters (RFC 5280 appendix A.1)
  std::vector<std::string> names;     ///< DNS names and addresses for the subjectAltName
  bool is_ca = false;
  std::chrono::seconds starts{0};     ///< from now; may be in the past
  std::chrono::seconds ends{0};       ///< from now
};

/// Creates a certificate signed by `by`, or self-signed if that is null, for `key` or for a new key. Fails with
/// errc::internal if OpenSSL refuses.
[[nodiscard]] result<issued> issue(const certificate_request& request, const issued* by, key_ptr key = {});

/// As PEM.
[[nodiscard]] std::string to_pem(const X509* certificate);
[[nodiscard]] std::string to_pem(const EVP_PKEY* key);

/// The first one in a PEM text; null if there is none. Encrypted keys are skipped.
[[nodiscard]] certificate_ptr parse_certificate(std::string_view pem);
[[nodiscard]] key_ptr parse_key(std::string_view pem);

/// The remaining validity of a certificate; negative after it has expired.
[[nodiscard]] std::chrono::seconds time_left(const X509* certificate);

}  // namespace netlab::tls
