// SPDX-License-Identifier: MIT
#include "tls/certificate.hpp"

#include <openssl/asn1.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "net/endpoint.hpp"

namespace netlab::tls {
namespace {

constexpr std::size_t max_shown = 120;  // octets of one name
constexpr std::size_t max_names = 8;    // a certificate may have hundreds

std::string text_of(const ASN1_STRING* from) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, from);
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return escape(text, max_shown);
}

std::string octets_of(const ASN1_STRING* from) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(from)),
          static_cast<std::size_t>(ASN1_STRING_length(from))};
}

std::string address_in_words(const std::string& octets) {
  if (octets.size() == 4) {
    asio::ip::address_v4::bytes_type raw{};
    std::copy(octets.begin(), octets.end(), raw.begin());
    return asio::ip::address_v4(raw).to_string();
  }
  if (octets.size() == 16) {
    asio::ip::address_v6::bytes_type raw{};
    std::copy(octets.begin(), octets.end(), raw.begin());
    return asio::ip::address_v6(raw).to_string();
  }
  return "(a broken address)";
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

certificate_problem wrong_host(const X509* leaf, std::string_view host) {
  const std::string whom = escape(host, max_shown);
  if (leaf == nullptr) return {fmt::format("the certificate is not for {}", whom), {}};
  std::vector<std::string> names = alternative_names(leaf);
  if (names.empty()) {
    const std::string common = common_name(X509_get_subject_name(leaf));
    if (equal_in_any_case(common, whom))
      return {fmt::format("the certificate names {} only in its common name, which does not count (RFC 9525)", whom),
              "the server needs a certificate with a subjectAltName"};
    return {fmt::format("the certificate names no host, so it is not for {}", whom),
            "the server needs a certificate with a subjectAltName"};
  }
  // RFC 9525 §6.1: an address must be an iPAddress; a DNS name with the same text does not count.
  if (std::ranges::find(names, whom) != names.end())
    return {fmt::format("the certificate has {} as a DNS name, which does not count for an address (RFC 9525)", whom),
            "the server needs a certificate with the address as an IP address in its subjectAltName"};
  const std::size_t left_out = names.size() > max_names ? names.size() - max_names : 0;
  names.resize(names.size() - left_out);
  std::string listed = fmt::format("{}", fmt::join(names, ", "));
  if (left_out > 0) listed += fmt::format(" and {} more", left_out);
  return {fmt::format("the certificate is for {}, not for {}", listed, whom),
          "is it the right server? use a name that the certificate has"};
}

}  // namespace

std::string name_in_words(const X509_NAME* name) {
  std::string words;
  for (int at = 0; at < X509_NAME_entry_count(name); ++at) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, at);
    const int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (!words.empty()) words += ", ";
    words += fmt::format("{}={}", nid == NID_undef ? "?" : OBJ_nid2sn(nid), text_of(X509_NAME_ENTRY_get_data(entry)));
  }
  return words.empty() ? "(no name)" : words;
}

std::string short_name(const X509_NAME* name) {
  std::string common = common_name(name);
  return common.empty() ? name_in_words(name) : common;
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> all;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  if (!names) return all;
  for (int at = 0; at < sk_GENERAL_NAME_num(names.get()); ++at) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), at), &kind);
    if (kind == GEN_DNS) all.push_back(escape(octets_of(static_cast<const ASN1_STRING*>(value)), max_shown));
    if (kind == GEN_IPADD) all.push_back(address_in_words(octets_of(static_cast<const ASN1_STRING*>(value))));
  }
  return all;
}

std::string time_in_words(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "(a broken date)";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

certificate_problem problem_in_words(long code, const X509* leaf, const X509* at, std::string_view host) {
  const bool of_signer = at != nullptr && leaf != nullptr && X509_cmp(at, leaf) != 0;
  const std::string whose = of_signer
                                ? fmt::format("the certificate of the CA '{}'", short_name(X509_get_subject_name(at)))
                                : "the certificate";
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {fmt::format("{} expired on {}", whose, at == nullptr ? "?" : time_in_words(X509_get0_notAfter(at))),
              "the server needs a new one"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {fmt::format("{} is not yet valid; it is valid from {} on", whose,
                          at == nullptr ? "?" : time_in_words(X509_get0_notBefore(at))),
              "is the clock of this machine right?"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return wrong_host(leaf, host);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {"the certificate is self-signed, so no CA vouches for it",
              "--ca-file FILE trusts it; get a copy over a secure channel first"};
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {fmt::format("the certificate is signed by a CA that is not trusted here, '{}'",
                          at == nullptr ? "?" : short_name(X509_get_subject_name(at))),
              "--ca-file FILE names a file with that CA's certificate"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return {fmt::format("the certificate is signed by a CA that is not known here, '{}'",
                          at == nullptr ? "?" : short_name(X509_get_issuer_name(at))),
              "--ca-file FILE names a file with that CA's certificate"};
    default: return {fmt::format("{} is not valid: {}", whose, X509_verify_cert_error_string(code)), {}};
  }
}

}  // namespace netlab::tls
