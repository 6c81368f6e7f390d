// SPDX-License-Identifier: MIT
// Proving who one is: the client's side of SASL mechanisms (RFC 4422), as AUTH carries them (RFC 4954).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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
  scram_sha_256_plus,  ///< the same, bound to the TLS connection
  xoauth2,             ///< Google's and Microsoft's
  oauthbearer,         ///< RFC 7628
};

/// `SCRAM-SHA-256-PLUS`
[[nodiscard]] std::string_view name_of(mechanism which) noexcept;

struct sasl_parameters {
  std::string user;          ///< UTF-8, no NUL
  secret password;           ///< or the token of xoauth2 and oauthbearer
  std::string host;          ///< for oauthbearer
  std::uint16_t port = 0;    ///< for oauthbearer
  std::string nonce;         ///< for SCRAM: fresh printable characters without commas, 18 octets or more
  std::optional<channel_binding> binding;  ///< of the TLS connection, if there is one
};

/// A user's name where commas separate: `=2C` for a comma, `=3D` for an equals sign (RFC 5801 §4).
[[nodiscard]] std::string to_saslname(std::string_view user);

/// One attempt. Messages are without Base64.
class sasl {
 public:
  virtual ~sasl() = default;

  /// What the client says first, if the mechanism lets it begin.
  [[nodiscard]] virtual std::optional<secret> initial() = 0;
  /// The answer to a challenge. Fails with errc::peer_protocol where the challenge makes no sense, errc::not_permitted
  /// where the server could not prove itself; then AUTH is to be cancelled.
  [[nodiscard]] virtual result<secret> answer(std::string_view challenge) = 0;
  /// The challenges are opaque: what is not Base64 is no error (LOGIN's are prompts for a person).
  [[nodiscard]] virtual bool ignores_challenges() const noexcept { return false; }
  /// The server says that it succeeded: is that believed?
  [[nodiscard]] virtual result<void> succeeded() { return {}; }
  /// What the server told of its reasons before it refused; to be escaped.
  [[nodiscard]] virtual std::string_view reason() const noexcept { return {}; }
};

[[nodiscard]] std::unique_ptr<sasl> make_sasl(mechanism which, sasl_parameters with);

}  // namespace netlab::mail
