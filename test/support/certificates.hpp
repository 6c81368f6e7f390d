// SPDX-License-Identifier: MIT
// Certificates for tests: a CA, and servers with any fault.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace netlab::test {

struct certificate_content {
  std::string common_name = "netlab test";
  std::string alternative_names;  ///< `DNS:localhost,IP:127.0.0.1`, in the syntax of openssl.cnf; empty: none
  long starts_in = -3600;         ///< seconds from now
  long ends_in = 3600;
  bool is_ca = false;
};

/// A certificate with its key.
class identity {
 public:
  /// Signed by `by`, or self-signed.
  explicit identity(const certificate_content& content, const identity* by = nullptr)
      : key_(make_key(), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    static long serial = 1;
    X509* made = certificate_.get();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), content.starts_in);
    X509_gmtime_adj(X509_getm_notAfter(made), content.ends_in);
    X509_set_pubkey(made, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(content.common_name.c_str()), -1, -1, 0);
    X509* issuer = by == nullptr ? made : by->certificate_.get();
    X509_set_issuer_name(made, X509_get_subject_name(issuer));
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, made, nullptr, nullptr, 0);
    add(context, NID_basic_constraints, content.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    add(context, NID_subject_key_identifier, "hash");
    if (!content.alternative_names.empty()) add(context, NID_subject_alt_name, content.alternative_names);
    if (X509_sign(made, by == nullptr ? key_.get() : by->key_.get(), EVP_sha256()) == 0)
      throw std::runtime_error("cannot sign a certificate");
  }

  [[nodiscard]] std::string certificate() const {
    return pem([this](BIO* to) { PEM_write_bio_X509(to, certificate_.get()); });
  }
  [[nodiscard]] std::string key() const {
    return pem(
        [this](BIO* to) { PEM_write_bio_PKCS8PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  [[nodiscard]] std::string encrypted_key(std::string_view passphrase) const {
    return pem([&](BIO* to) {
      PEM_write_bio_PKCS8PrivateKey(to, key_.get(), EVP_aes_128_cbc(), passphrase.data(),
                                    static_cast<int>(passphrase.size()), nullptr, nullptr);
    });
  }

 private:
  [[nodiscard]] static EVP_PKEY* make_key() {
    std::string curve = "P-256";
    return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.data());
  }
  void add(X509V3_CTX& context, int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr) throw std::runtime_error("no certificate extension: " + value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  [[nodiscard]] static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    write(memory.get());
    char* text = nullptr;
    const long size = BIO_ctrl(memory.get(), BIO_CTRL_INFO, 0, &text);
    return {text, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

/// The CA of the tests.
[[nodiscard]] inline const identity& lab_ca() {
  static const identity made({.common_name = "Lab CA", .is_ca = true});
  return made;
}

}  // namespace netlab::test
