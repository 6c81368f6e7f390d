// SPDX-License-Identifier: MIT
#include "mail/login/accounts.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/login/cram_md5.hpp"
#include "mail/login/saslprep.hpp"
#include "mail/login/scram_digest.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t salt_size = 16;

scram_keys derive(std::string_view password, std::string salt, unsigned iterations) {
  scram_keys keys{.salt = std::move(salt), .iterations = iterations};
  scram_digest salted{};
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets_of(keys.salt),
                    static_cast<int>(keys.salt.size()), static_cast<int>(iterations), EVP_sha256(),
                    static_cast<int>(salted.size()), salted.data());
  scram_digest client = scram_hmac(salted, "Client Key");
  keys.stored = scram_hash(client);
  keys.server = scram_hmac(salted, "Server Key");
  OPENSSL_cleanse(salted.data(), salted.size());
  OPENSSL_cleanse(client.data(), client.size());
  return keys;
}

// The SASLprep form, for comparison and hashing (RFC 4616 §2, RFC 5802 §2.2); `text` unchanged if it has none.
secret prepare(std::string_view text) {
  auto prepared = saslprep(text);
  return prepared ? std::move(*prepared) : secret(std::string(text));
}

bool has_controls(std::string_view text) noexcept {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

}  // namespace

struct accounts::account {
  secret password;
  scram_digest hashed{};  // of the password; comparing two hashes takes the same time for all passwords
  scram_keys keys;
};

accounts::accounts(secret seed) : seed_(std::move(seed)), nobody_(std::make_unique<account>()) {
  // No password matches this account: its hash and keys are derived from the secret seed, not from a password.
  nobody_->hashed = scram_hmac(octets_in(seed_.view()), "hash of nobody");
  nobody_->password =
      secret(std::string(reinterpret_cast<const char*>(nobody_->hashed.data()), nobody_->hashed.size()));
  nobody_->keys.iterations = iterations;
  nobody_->keys.stored = scram_hmac(octets_in(seed_.view()), "stored key of nobody");
  nobody_->keys.server = scram_hmac(octets_in(seed_.view()), "server key of nobody");
}

accounts::~accounts() = default;
accounts::accounts(accounts&&) noexcept = default;
accounts& accounts::operator=(accounts&&) noexcept = default;

std::string accounts::salt_of(std::string_view user) const {
  const scram_digest whole = scram_hmac(octets_in(seed_.view()), fmt::format("salt of {}", user));
  return {reinterpret_cast<const char*>(whole.data()), salt_size};
}

result<void> accounts::add(std::string user, secret password) {
  const auto refuse = [](std::string why) { return fail(errc::usage, std::move(why)); };
  if (user.empty() || user.size() > max_user || has_controls(user) || !is_utf8(user))
    return refuse(fmt::format("a user's name has 1 to {} octets of UTF-8 without control characters", max_user));
  const std::string_view word = password.view();
  if (word.empty() || word.size() > max_password || has_controls(word) || !is_utf8(word))
    return refuse(fmt::format("a password has 1 to {} octets of UTF-8 without control characters", max_password));
  std::string name(prepare(user).view());
  if (all_.contains(name)) return refuse(fmt::format("duplicate user '{}'", escape(user, 100)));
  const secret prepared = prepare(word);
  account one;
  one.hashed = scram_hash(octets_in(prepared.view()));
  one.keys = derive(prepared.view(), salt_of(name), iterations);
  one.password = std::move(password);
  all_.emplace(std::move(name), std::move(one));
  return {};
}

bool accounts::check(std::string_view user, std::string_view password) const {
  const auto found = all_.find(prepare(user).view());
  const account& one = found == all_.end() ? *nobody_ : found->second;
  const secret prepared = prepare(password);
  const scram_digest given = scram_hash(octets_in(prepared.view()));
  return CRYPTO_memcmp(given.data(), one.hashed.data(), given.size()) == 0 && found != all_.end();
}

bool accounts::check_cram_md5(std::string_view user, std::string_view challenge, std::string_view figures) const {
  const auto found = all_.find(prepare(user).view());
  const account& one = found == all_.end() ? *nobody_ : found->second;
  const auto expected = cram_md5_digest(one.password.view(), challenge);
  const std::string given = to_lower(figures);
  return expected && given.size() == expected->size() &&
         CRYPTO_memcmp(given.data(), expected->data(), given.size()) == 0 && found != all_.end();
}

scram_keys accounts::keys_of(std::string_view user) const {
  const secret name = prepare(user);
  const auto found = all_.find(name.view());
  scram_keys keys = found == all_.end() ? nobody_->keys : found->second.keys;
  // The salt is computed in both cases, so that an unknown user takes as long as a known one.
  keys.salt = salt_of(name.view());
  return keys;
}

}  // namespace netlab::mail
