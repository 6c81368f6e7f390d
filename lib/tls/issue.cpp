// SPDX-License-Identifier: MIT
#include "tls/issue.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include "net/endpoint.hpp"

namespace netlab::tls {
namespace {

constexpr int serial_bits = 127;  // RFC 5280 §4.1.2.2: positive, at most 20 octets; unguessable

unexpected<failure> refused(std::string_view act) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return fail(errc::internal, fmt::format("{}: {}", act, reason == nullptr ? "unknown error" : reason));
}

bool add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(to, extension.get(), -1) == 1;
}

// The syntax of openssl.cnf. Names come from a command line, so the caller must have checked each name and address.
std::string alternative_names_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& each : names)
    list += fmt::format("{}{}:{}", list.empty() ? "" : ",", net::parse_address(each) ? "IP" : "DNS", each);
  return list;
}

bool add_random_serial(X509* to) {
  const std::unique_ptr<BIGNUM, freed_by<BN_free>> number(BN_new());
  return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(to)) != nullptr;
}

template <class Write>
std::string written(Write write) {
  const bio_ptr memory(BIO_new(BIO_s_mem()));
  if (!memory || write(memory.get()) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bio_ptr reader_of(std::string_view text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

result<issued> issue(const certificate_request& request, const issued* by, key_ptr key) {
  ERR_clear_error();
  if (!key) {
    std::string curve = "P-256";
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.data()));
    if (!key) return refused("make a key");
  }
  certificate_ptr made(X509_new());
  if (!made) return refused("make a certificate");
  X509* own = made.get();
  X509* issuer = by == nullptr ? own : by->certificate.get();
  bool good = X509_set_version(own, X509_VERSION_3) == 1 && add_random_serial(own) &&
              X509_gmtime_adj(X509_getm_notBefore(own), request.starts.count()) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(own), request.ends.count()) != nullptr &&
              X509_set_pubkey(own, key.get()) == 1;
  X509_NAME* subject = X509_get_subject_name(own);
  const auto* name = reinterpret_cast<const unsigned char*>(request.common_name.c_str());
  good = good && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(own, X509_get_subject_name(issuer)) == 1;
  // RFC 5280 §4.2.1: the purposes of the key.
  good =
      good &&
      add_extension(own, issuer, NID_basic_constraints, request.is_ca ? "critical,CA:TRUE,pathlen:0" : "CA:FALSE") &&
      add_extension(own, issuer, NID_key_usage,
                    request.is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
      (request.is_ca || add_extension(own, issuer, NID_ext_key_usage, "serverAuth")) &&
      add_extension(own, issuer, NID_subject_key_identifier, "hash") &&
      (by == nullptr || add_extension(own, issuer, NID_authority_key_identifier, "keyid:always")) &&
      (request.names.empty() || add_extension(own, issuer, NID_subject_alt_name, alternative_names_of(request.names)));
  if (!good || X509_sign(own, by == nullptr ? key.get() : by->key.get(), EVP_sha256()) == 0)
    return refused("make a certificate");
  return issued{std::move(made), std::move(key)};
}

std::string to_pem(const X509* certificate) {
  return written([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}

std::string to_pem(const EVP_PKEY* key) {
  return written(
      [&](BIO* to) { return PEM_write_bio_PKCS8PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

certificate_ptr parse_certificate(std::string_view pem) {
  certificate_ptr found(PEM_read_bio_X509(reader_of(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return found;
}

key_ptr parse_key(std::string_view pem) {
  key_ptr found(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return found;
}

std::chrono::seconds time_left(const X509* certificate) {
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) != 1) return std::chrono::seconds(0);
  return std::chrono::days(days) + std::chrono::seconds(seconds);
}

}  // namespace netlab::tls
