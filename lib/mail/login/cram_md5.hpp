// SPDX-License-Identifier: MIT
// The primitive of CRAM-MD5 (RFC 2195 §2), for both sides.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace netlab::mail {

/// The client's digest, in lower-case hexadecimal digits. None if OpenSSL does not allow MD5 (FIPS mode).
[[nodiscard]] inline std::optional<std::string> cram_md5_digest(std::string_view password, std::string_view challenge) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (HMAC(EVP_md5(), password.data(), static_cast<int>(password.size()),
           reinterpret_cast<const unsigned char*>(challenge.data()), challenge.size(), digest.data(), &size) == nullptr)
    return std::nullopt;
  return to_hex(std::as_bytes(std::span(digest).first(size)));
}

}  // namespace netlab::mail
