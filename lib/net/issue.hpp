// SPDX-License-Identifier: MIT
// Keys and certificates made on the spot: what a lab's own CA issues.
#pragma once

#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/openssl_ptr.hpp"

namespace netlab::net {

using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;

/// A certificate and its key, P-256.
struct issued {
  certificate_ptr certificate;
  key_ptr key;
};

struct certificate_request {
  std::string common_name;            ///< UTF-8, at most 64 characters (RFC 5280 appendix A.1)
  std::vector<std::string> names;     ///< DNS names and addresses, for the subjectAltName
  bool is_ca = false;
  std::chrono::seconds starts{0};     ///< from now; may lie in the past
  std::chrono::seconds ends{0};       ///< from now
};

/// Signed by `by`, or by itself where that is null. With `key` it gets that one, else a new one. Fails with
/// errc::internal where OpenSSL refuses.
[[nodiscard]] result<issued> issue(const certificate_request& wish, const issued* by, key_ptr key = {});

/// In PEM.
[[nodiscard]] std::string to_pem(const X509* certificate);
[[nodiscard]] std::string to_pem(const EVP_PKEY* key);

/// The first of its kind in a PEM text; null where there is none. An encrypted key is none.
[[nodiscard]] certificate_ptr parse_certificate(std::string_view pem);
[[nodiscard]] key_ptr parse_key(std::string_view pem);

/// What is left of a certificate's time; negative once that is over.
[[nodiscard]] std::chrono::seconds time_left(const X509* certificate);

}  // namespace netlab::net
