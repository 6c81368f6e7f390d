// SPDX-License-Identifier: MIT
// Authentication: the client's side of SASL mechanisms (RFC 4422), as used by AUTH (RFC 4954).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/tls_facts.hpp"

namespace netlab::mail {

enum class mechanism : std::uint8_t {
  plain,               ///< RFC 4616
  login,               ///< draft-murchison-sasl-login
  cram_md5,            ///< RFC 2195
  scram_sha_256,       ///< RFC 7677
  scram_sha_256_plus,  ///< the same with TLS channel binding
  xoauth2,             ///< Google's and Microsoft's
  oauthbearer,         ///< RFC 7628
};

/// `SCRAM-SHA-256-PLUS`
[[nodiscard]] std::string_view name_of(mechanism which) noexcept;

struct sasl_parameters {
  std::string user;          ///< UTF-8, no NUL
  secret password;           ///< or the token for xoauth2 and oauthbearer
  std::string host;          ///< for oauthbearer
  std::uint16_t port = 0;    ///< for oauthbearer
  std::string nonce;         ///< for SCRAM: fresh printable characters without commas, 18 octets or more
  std::optional<channel_binding> binding;  ///< of the TLS connection, if any
};

/// Encodes a user name for a list separated by commas: `=2C` for a comma, `=3D` for an equals sign (RFC 5801 §4).
[[nodiscard]] std::string to_saslname(std::string_view user);

/// One login attempt. Messages are not in Base64.
class sasl {
 public:
  virtual ~sasl() = default;

  /// The initial response, if the mechanism has one.
  [[nodiscard]] virtual std::optional<secret> initial() = 0;
  /// Answers a challenge. Fails with errc::peer_protocol if the challenge makes no sense, errc::not_permitted if the
  /// server failed to authenticate itself; the caller then has to cancel AUTH.
  [[nodiscard]] virtual result<secret> answer(std::string_view challenge) = 0;
  /// The content of challenges does not matter, not even invalid Base64 (LOGIN's are prompts for a person).
  [[nodiscard]] virtual bool ignores_challenges() const noexcept { return false; }
  /// Called when the server reports success. Fails if the server has not authenticated itself as it must (SCRAM).
  [[nodiscard]] virtual result<void> succeeded() { return {}; }
  /// The server's reason for a refusal, from a challenge; not escaped.
  [[nodiscard]] virtual std::string_view reason() const noexcept { return {}; }
};

[[nodiscard]] std::unique_ptr<sasl> make_sasl(mechanism which, sasl_parameters with);

}  // namespace netlab::mail
