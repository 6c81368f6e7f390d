// SPDX-License-Identifier: MIT
#include "lab/web/viewer.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>

#include "base/base64.hpp"
#include "base/bytes.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t shortest_token = 16;
constexpr std::size_t longest_token = 200;

/// The text without its port and without the brackets of an IPv6 address.
std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
  return host.substr(0, host.find(':'));
}

std::string digest_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) size = 0;
  return {reinterpret_cast<const char*>(digest.data()), size};
}

/// Of the digests, so that neither the length nor the place of a difference shows in the time that it takes.
bool is_same_secret(std::string_view one, std::string_view other) {
  const std::string left = digest_of(one);
  const std::string right = digest_of(other);
  return !left.empty() && left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return text.size() >= shortest_token && text.size() <= longest_token && std::ranges::all_of(text, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

access_rules::access_rules(std::string token, std::string secret, std::vector<std::string> hosts)
    : token_(std::move(token)), secret_(std::move(secret)), hosts_(std::move(hosts)) {
  for (std::string& each : hosts_) each = to_lower(each);
  // OpenSSL initializes itself once: if memory runs out meanwhile, no later digest succeeds.
  if (digest_of(token_).empty()) throw std::bad_alloc();
}

bool access_rules::is_our_host(std::string_view host) const {
  std::string name = to_lower(without_port(trim(host)));
  if (name.ends_with('.')) name.pop_back();
  return name == "localhost" || name.ends_with(".localhost") || parse_ip(name).has_value() ||
         std::ranges::find(hosts_, name) != hosts_.end();
}

std::optional<viewer> access_rules::identify(const http::request& from, std::string_view address) const {
  viewer who{.address = std::string(address)};
  std::optional<std::string_view> token = from.parameter("token");
  if (!token || token->empty()) {
    token = from.field("authorization");
    if (!token) return who;
    if (!equal_in_any_case(token->substr(0, 7), "bearer ")) return std::nullopt;
    token = trim(token->substr(7));
  }
  if (!is_same_secret(*token, token_)) return std::nullopt;
  who.is_teacher = true;
  return who;
}

std::string access_rules::form_token(const viewer& of) const {
  const std::string digest = digest_of(secret_ + '\n' + (of.is_teacher ? "teacher" : of.address));
  return encode_base64url(as_bytes(std::string_view(digest).substr(0, 18)));
}

bool access_rules::is_own_form(const http::request& from, const viewer& by) const {
  std::optional<std::string> given = from.form_value("form");
  if (!given)
    if (const auto field = from.field("x-form-token")) given = std::string(*field);
  if (given) return is_same_secret(*given, form_token(by));
  // A browser names the origin of what a foreign page sends, as `null` if it hides it; a script sends neither of these.
  return !from.field("origin") && !from.field("sec-fetch-site");
}

}  // namespace netlab::lab
