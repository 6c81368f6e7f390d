// SPDX-License-Identifier: MIT
#include "mail/login/scram_server.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/login/scram_digest.hpp"

namespace netlab::mail {
namespace {

using kind = sasl_step::kind;

// RFC 5802 §5.1: `=2C` is a comma and `=3D` an equals sign; any other = is an error.
std::optional<std::string> from_saslname(std::string_view text) {
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '=') {
      name += text[at];
      continue;
    }
    const std::string_view code = text.substr(at, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    at += 2;
  }
  return name;
}

bool is_nonce(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

sasl_step malformed(std::string_view detail) { return {kind::malformed, fmt::format("SCRAM: {}", detail)}; }

}  // namespace

sasl_step scram_server::take(std::optional<std::string_view> response) {
  if (!response) return {kind::challenge, {}};  // RFC 4954 §4: the empty challenge, because the client sends first
  switch (step_) {
    case step::first: return begin(*response);
    case step::proof: return verify(*response);
    case step::farewell:
      // The last challenge had the server's signature; the client acknowledges it with an empty response, or cancels.
      step_ = step::ended;
      if (!response->empty()) return malformed("an unexpected message");
      return {kind::accepted, {}};
    case step::ended: break;
  }
  return malformed("an unexpected message");
}

sasl_step scram_server::begin(std::string_view client_first) {
  step_ = step::ended;
  // gs2-cbind-flag "," [authzid] ","
  const std::size_t first = client_first.find(',');
  const std::size_t second = first == std::string_view::npos ? first : client_first.find(',', first + 1);
  if (second == std::string_view::npos) return malformed("the first message has no header");
  const std::string_view flag = client_first.substr(0, first);
  // RFC 5802 §6: `y` claims that binding was not offered; if it was, an attacker has removed the offer.
  if (plus_ ? flag != fmt::format("p={}", with_.binding->type) : flag == "y" && with_.offers_binding)
    return {kind::refused, {}};
  if (!plus_ && flag != "n" && flag != "y") return malformed("the first message has no header that fits");
  const std::string_view acts_for = client_first.substr(first + 1, second - first - 1);
  gs2_header_ = client_first.substr(0, second + 1);
  const std::string_view bare = client_first.substr(second + 1);
  std::string_view rest = bare;
  if (rest.starts_with("m=")) return malformed("the client requires an unknown extension");  // RFC 5802 §5.1
  const auto name = take_attribute(rest, 'n');
  const auto client_nonce = take_attribute(rest, 'r');
  if (!name || !client_nonce || !is_nonce(*client_nonce)) return malformed("the first message lacks user or nonce");
  auto user = from_saslname(*name);
  if (!user || user->empty()) return malformed("the user name is not encoded correctly");
  user_ = std::move(*user);
  if (!acts_for.empty() && acts_for != fmt::format("a={}", *name)) return {kind::refused, {}};
  keys_ = known_.keys_of(user_);
  nonce_.insert(0, *client_nonce);
  std::string server_first =
      fmt::format("r={},s={},i={}", nonce_, encode_base64(as_bytes(keys_.salt)), keys_.iterations);
  so_far_ = fmt::format("{},{}", bare, server_first);
  step_ = step::proof;
  return {kind::challenge, std::move(server_first)};
}

sasl_step scram_server::verify(std::string_view client_final) {
  step_ = step::ended;
  const std::size_t at_proof = client_final.rfind(",p=");
  if (at_proof == std::string_view::npos) return malformed("the last message has no proof");
  const std::string_view without_proof = client_final.substr(0, at_proof);
  std::string_view rest = without_proof;
  const auto binding = take_attribute(rest, 'c');
  const auto nonce = take_attribute(rest, 'r');
  if (!binding || !nonce) return malformed("the last message lacks binding or nonce");
  std::string bound = gs2_header_;
  if (plus_) bound += as_text(with_.binding->data);
  if (*binding != encode_base64(as_bytes(bound)) || *nonce != nonce_) return {kind::refused, {}};
  const auto proof = decode_base64(client_final.substr(at_proof + 3));
  if (!proof || proof->size() != scram_digest().size()) return malformed("the proof is not SHA-256 in Base64");

  const std::string everything = fmt::format("{},{}", so_far_, without_proof);
  const scram_digest signature = scram_hmac(keys_.stored, everything);
  scram_digest client_key{};
  for (std::size_t at = 0; at < client_key.size(); ++at)
    client_key[at] = static_cast<unsigned char>(std::to_integer<unsigned char>((*proof)[at]) ^ signature[at]);
  scram_digest stored{};
  EVP_Digest(client_key.data(), client_key.size(), stored.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_cleanse(client_key.data(), client_key.size());
  if (CRYPTO_memcmp(stored.data(), keys_.stored.data(), stored.size()) != 0) return {kind::refused, {}};
  const scram_digest server_signature = scram_hmac(keys_.server, everything);
  step_ = step::farewell;
  return {kind::challenge, fmt::format("v={}", encode_base64(std::as_bytes(std::span(server_signature))))};
}

}  // namespace netlab::mail
