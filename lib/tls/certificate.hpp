// SPDX-License-Identifier: MIT
// Describes certificates, and problems with them, in words.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

namespace netlab::tls {

/// `CN=mail.example.org, O=Example`, in the order of the certificate, escaped; `(no name)` if empty.
[[nodiscard]] std::string name_in_words(const X509_NAME* name);

/// The common name, escaped; without one, the full name.
[[nodiscard]] std::string short_name(const X509_NAME* name);

/// The DNS names and addresses of the subjectAltName, escaped.
[[nodiscard]] std::vector<std::string> alternative_names(const X509* certificate);

/// `2026-03-01 12:00:00 UTC`.
[[nodiscard]] std::string time_in_words(const ASN1_TIME* time);

struct certificate_problem {
  std::string words;
  std::string cure;  ///< may be empty
};

/// Describes X509_V_ERR_… for the certificate `at` in the chain of `leaf`, presented by `host`. Both certificates may
/// be null.
[[nodiscard]] certificate_problem problem_in_words(long code, const X509* leaf, const X509* at, std::string_view host);

}  // namespace netlab::tls
