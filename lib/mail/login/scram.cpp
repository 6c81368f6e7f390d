// SPDX-License-Identifier: MIT
#include "mail/login/scram.hpp"

#include <openssl/evp.h>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/login/saslprep.hpp"
#include "mail/login/scram_digest.hpp"

namespace netlab::mail {
namespace {

bytes_view view(const scram_digest& of) { return std::as_bytes(std::span(of)); }

unexpected<failure> senseless(std::string_view detail) {
  return fail(errc::peer_protocol, fmt::format("SCRAM: {}", detail));
}

}  // namespace

scram::scram(sasl_parameters with, bool plus) : with_(std::move(with)), plus_(plus) {
  // RFC 5802 §7: `y` means that we support channel binding but the server did not offer it, which reveals a removed
  // offer.
  if (plus_)
    gs2_header_ = fmt::format("p={},,", with_.binding->type);
  else
    gs2_header_ = with_.binding ? "y,," : "n,,";
  // A name that SASLprep refuses is sent unchanged; the server may know it.
  const auto user = saslprep(with_.user);
  client_first_bare_ =
      fmt::format("n={},r={}", to_saslname(user ? user->view() : std::string_view(with_.user)), with_.nonce);
}

std::optional<secret> scram::initial() { return secret(gs2_header_ + client_first_bare_); }

result<secret> scram::answer(std::string_view challenge) {
  switch (step_) {
    case step::first: return prove(challenge);
    case step::proof: return verify(challenge);
    case step::verified:
    case step::failed: break;
  }
  return senseless("the server continues after its last message");
}

result<secret> scram::prove(std::string_view server_first) {
  step_ = step::failed;
  std::string_view rest = server_first;
  const auto nonce = take_attribute(rest, 'r');
  const auto salt64 = take_attribute(rest, 's');
  const auto count = take_attribute(rest, 'i');
  if (!nonce || !salt64 || !count) return senseless("the server's first message lacks nonce, salt or count");
  if (!nonce->starts_with(with_.nonce) || nonce->size() == with_.nonce.size())
    return senseless("the server's nonce does not continue ours");
  const auto salt = decode_base64(*salt64);
  if (!salt || salt->empty()) return senseless("the salt is not Base64");
  const auto iterations = parse_integer<unsigned>(*count);
  if (!iterations || *iterations > max_scram_iterations)
    return senseless(fmt::format("{} is not a sensible number of iterations", escape(*count, 20)));
  if (*iterations < min_scram_iterations)
    return fail(
        errc::not_permitted,
        fmt::format("SCRAM: the server asks for only {} iterations, which do not protect the password (RFC 7677: {})",
                    *iterations, min_scram_iterations));

  const auto prepared = saslprep(with_.password.view());
  if (!prepared)
    return unexpected(failure(prepared.error().code, "password", prepared.error().detail, prepared.error().hint));
  scram_digest salted{};
  const std::string_view password = prepared->view();
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets_of(as_text(*salt)),
                    static_cast<int>(salt->size()), static_cast<int>(*iterations), EVP_sha256(), scram_digest().size(),
                    salted.data());
  scram_digest client_key = scram_hmac(salted, "Client Key");
  std::string bound = gs2_header_;
  if (plus_) bound += as_text(with_.binding->data);
  const std::string without_proof = fmt::format("c={},r={}", encode_base64(as_bytes(bound)), *nonce);
  const std::string everything = fmt::format("{},{},{}", client_first_bare_, server_first, without_proof);
  const scram_digest signature = scram_hmac(scram_hash(client_key), everything);
  scram_digest proof{};
  for (std::size_t at = 0; at < scram_digest().size(); ++at) proof[at] = client_key[at] ^ signature[at];
  const scram_digest server_key = scram_hmac(salted, "Server Key");
  const scram_digest server_signature = scram_hmac(server_key, everything);
  server_signature_ = encode_base64(view(server_signature));
  OPENSSL_cleanse(salted.data(), salted.size());
  OPENSSL_cleanse(client_key.data(), client_key.size());
  step_ = step::proof;
  return secret(fmt::format("{},p={}", without_proof, encode_base64(view(proof))));
}

result<secret> scram::verify(std::string_view server_final) {
  step_ = step::failed;
  if (auto error = take_attribute(server_final, 'e'))
    return fail(errc::not_permitted, fmt::format("SCRAM: the server says {}", escape(*error, 80)));
  const auto value = take_attribute(server_final, 'v');
  if (!value) return senseless("the server's last message has no signature");
  if (*value != server_signature_)
    return fail(errc::not_permitted, "SCRAM: the server does not know the password itself: it is not the right server");
  step_ = step::verified;
  return secret();
}

result<void> scram::succeeded() {
  if (step_ == step::verified) return {};
  return fail(errc::not_permitted, "SCRAM: the server accepts the login without proving that it knows the password",
              "it may not be the right server");
}

}  // namespace netlab::mail
