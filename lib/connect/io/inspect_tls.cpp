// SPDX-License-Identifier: MIT
#include "connect/io/inspect_tls.hpp"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "tls/certificate.hpp"
#include "tls/openssl_ptr.hpp"

namespace netlab::connect {
namespace {

using tls::bio_ptr;
using tls::freed_by;
using tls::key_ptr;
using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using response_ptr = std::unique_ptr<OCSP_RESPONSE, freed_by<OCSP_RESPONSE_free>>;
using basic_ptr = std::unique_ptr<OCSP_BASICRESP, freed_by<OCSP_BASICRESP_free>>;
using identity_ptr = std::unique_ptr<OCSP_CERTID, freed_by<OCSP_CERTID_free>>;

std::string hex(const unsigned char* octets, std::size_t size, std::string_view between) {
  std::string text;
  for (std::size_t at = 0; at < size; ++at) text += fmt::format("{}{:02X}", at == 0 ? "" : between, octets[at]);
  return text;
}

std::string name_of_key(EVP_PKEY* key) {
  if (key == nullptr) return "of an unknown kind";
  const char* kind = EVP_PKEY_get0_type_name(key);
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1) {
    const std::string_view name(group.data(), size);
    return fmt::format("{} {}", kind == nullptr ? "" : kind, name == "prime256v1" ? "P-256" : name);
  }
  const std::string_view type = kind == nullptr ? "unknown" : kind;
  if (type.starts_with("ED") || type.starts_with("X")) return std::string(type);  // the name includes the size
  return fmt::format("{} {}", type, EVP_PKEY_get_bits(key));
}

std::string to_pem(const X509* certificate) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), const_cast<X509*>(certificate)) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

certificate_report describe_certificate(const X509* certificate) {
  certificate_report report{.subject = tls::name_in_words(X509_get_subject_name(certificate)),
                            .issuer = tls::name_in_words(X509_get_issuer_name(certificate)),
                            .names = tls::alternative_names(certificate),
                            .not_before = tls::time_in_words(X509_get0_notBefore(certificate)),
                            .not_after = tls::time_in_words(X509_get0_notAfter(certificate)),
                            .key = name_of_key(X509_get0_pubkey(certificate)),
                            .signature = OBJ_nid2sn(X509_get_signature_nid(certificate)),
                            .serial = {},
                            .sha256 = {},
                            .pem = to_pem(certificate)};
  const number_ptr serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (serial) {
    std::vector<unsigned char> octets(static_cast<std::size_t>(BN_num_bytes(serial.get())));
    BN_bn2bin(serial.get(), octets.data());
    report.serial = hex(octets.data(), octets.size(), "");
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1) report.sha256 = hex(digest.data(), size, ":");
  return report;
}

/// Up to TLS 1.2, the negotiated cipher is not in use yet if the certificate ended the handshake.
const SSL_CIPHER* agreed_cipher(const SSL* ssl) {
  const SSL_CIPHER* used = SSL_get_current_cipher(ssl);
  return used != nullptr ? used : SSL_get_pending_cipher(ssl);
}

std::string name_of_cipher(const SSL* ssl) {
  const SSL_CIPHER* cipher = agreed_cipher(ssl);
  const char* name = cipher == nullptr ? nullptr : SSL_CIPHER_standard_name(cipher);
  return name == nullptr ? "none" : name;
}

std::string key_exchange(SSL* ssl) {
  EVP_PKEY* raw = nullptr;
  if (SSL_get_peer_tmp_key(ssl, &raw) == 1) {
    const key_ptr temporary(raw);
    return name_of_key(temporary.get());
  }
  // For a hybrid group (X25519MLKEM768), OpenSSL 3.5 has a name but no key.
  if (SSL_version(ssl) >= TLS1_3_VERSION) {
    const char* group = SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl)));
    if (group != nullptr) return group;
  }
  const SSL_CIPHER* cipher = agreed_cipher(ssl);
  if (cipher != nullptr && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa) return "RSA, without forward secrecy";
  return {};
}

/// RFC 6960: the stapled status of the server's certificate, with any problem of the response.
std::string staple_in_words(SSL* ssl, STACK_OF(X509) * chain) {
  const unsigned char* octets = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &octets);
  if (octets == nullptr || size <= 0) {
    // RFC 6066 §8: up to TLS 1.2 it follows the certificate; in TLS 1.3 it is sent with the certificate.
    const bool is_known = SSL_is_init_finished(ssl) == 1 || SSL_version(ssl) >= TLS1_3_VERSION;
    return is_known ? "nothing stapled" : "";
  }
  const response_ptr response(d2i_OCSP_RESPONSE(nullptr, &octets, size));
  if (!response) return "stapled, but it cannot be read";
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return fmt::format("stapled, but the responder says: {}", OCSP_response_status_str(status));
  const basic_ptr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return "stapled, but it cannot be read";
  const int signed_well = OCSP_basic_verify(basic.get(), chain, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0);
  X509* leaf = chain == nullptr ? nullptr : sk_X509_value(chain, 0);
  STACK_OF(X509)* verified = SSL_get0_verified_chain(ssl);
  X509* issuer = verified != nullptr && sk_X509_num(verified) > 1 ? sk_X509_value(verified, 1) : nullptr;
  if (issuer == nullptr && chain != nullptr && sk_X509_num(chain) > 1) issuer = sk_X509_value(chain, 1);
  if (leaf == nullptr || issuer == nullptr) return "stapled, but the certificate's issuer is not known";
  int status = 0;
  int reason = 0;
  ASN1_GENERALIZEDTIME* revoked = nullptr;
  ASN1_GENERALIZEDTIME* since = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  bool found = false;
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
    const identity_ptr identity(OCSP_cert_to_id(digest, leaf, issuer));
    found =
        identity && OCSP_resp_find_status(basic.get(), identity.get(), &status, &reason, &revoked, &since, &until) == 1;
    if (found) break;
  }
  if (!found) return "stapled, but for another certificate";
  std::string words = status == V_OCSP_CERTSTATUS_GOOD      ? "good"
                      : status == V_OCSP_CERTSTATUS_REVOKED ? "REVOKED since " + tls::time_in_words(revoked)
                                                            : "unknown to the responder";
  if (until != nullptr) words += ", valid until " + tls::time_in_words(until);
  if (OCSP_check_validity(since, until, 300, -1) != 1) words += " (out of date)";
  if (signed_well != 1) words += " (its signature is not verified)";
  return words;
}

}  // namespace

tls_report make_report(const tls::stream& stream, std::optional<bool> certificate_wanted) {
  SSL* ssl = stream.native();
  tls_report report{.version = std::string(stream.version()),
                    .cipher = name_of_cipher(ssl),
                    .key_exchange = key_exchange(ssl),
                    .resumed = stream.was_resumed(),
                    .verified = stream.verification().code == X509_V_OK,
                    .verification = stream.verification().words,
                    .client_certificate_wanted = certificate_wanted};
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  if (size > 0) report.alpn = escape({reinterpret_cast<const char*>(protocol), size});
  if (const char* sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name); sni != nullptr) report.sni = escape(sni);
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  report.ocsp = staple_in_words(ssl, chain);
  for (int at = 0; at < sk_X509_num(chain); ++at)
    report.chain.push_back(describe_certificate(sk_X509_value(chain, at)));
  return report;
}

}  // namespace netlab::connect
