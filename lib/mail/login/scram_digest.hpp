// SPDX-License-Identifier: MIT
// Primitives for both sides of SCRAM-SHA-256 (RFC 5802 §2.2), and its attribute syntax.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace netlab::mail {

using scram_digest = std::array<unsigned char, 32>;

inline const unsigned char* octets_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

inline std::span<const unsigned char> octets_in(std::string_view text) noexcept {
  return {octets_of(text), text.size()};
}

inline scram_digest scram_hmac(std::span<const unsigned char> key, std::string_view text) {
  scram_digest out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets_of(text), text.size(), out.data(), &size);
  return out;
}

inline scram_digest scram_hash(std::span<const unsigned char> text) {
  scram_digest out{};
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

/// Takes `r=…,` off the front and returns its value; none if another attribute is there.
inline std::optional<std::string_view> take_attribute(std::string_view& from, char name) {
  if (from.size() < 2 || from[0] != name || from[1] != '=') return std::nullopt;
  const std::size_t end = std::min(from.find(','), from.size());
  const std::string_view value = from.substr(2, end - 2);
  from.remove_prefix(std::min(end + 1, from.size()));
  return value;
}

}  // namespace netlab::mail
