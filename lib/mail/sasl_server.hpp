// SPDX-License-Identifier: MIT
// Checking who one is: the server's side of SASL mechanisms (RFC 4422), as AUTH carries them (RFC 4954).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/accounts.hpp"
#include "mail/sasl.hpp"

namespace netlab::mail {

/// What a server says next in an exchange.
struct sasl_step {
  enum class kind : std::uint8_t {
    challenge,  ///< `text` goes to the client
    accepted,
    refused,    ///< a wrong name or password: nobody is told which
    malformed,  ///< `text` says what was not understood
  };
  kind what = kind::refused;
  std::string text;
};

/// One attempt. Messages are without Base64.
class sasl_server {
 public:
  virtual ~sasl_server() = default;

  /// What the client said; at the start nothing, or its initial response.
  [[nodiscard]] virtual sasl_step take(std::optional<std::string_view> response) = 0;
  /// Whom the client says it is, as far as it has said so; to be escaped.
  [[nodiscard]] const std::string& user() const noexcept { return user_; }

 protected:
  std::string user_;
};

struct sasl_server_parameters {
  std::string host;   ///< for CRAM-MD5's challenge
  std::string nonce;  ///< fresh printable characters without commas, 18 octets or more
  std::optional<channel_binding> binding;  ///< of the TLS connection, if there is one
  bool offers_binding = false;  ///< SCRAM-SHA-256-PLUS is on offer: who could use it and says it isn't is refused
};

/// PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256, and with a binding SCRAM-SHA-256-PLUS; nothing for others. `known` outlives
/// it.
[[nodiscard]] std::unique_ptr<sasl_server> make_sasl_server(mechanism which, const accounts& known,
                                                            sasl_server_parameters with);

/// All that make_sasl_server() makes, the best first.
[[nodiscard]] std::vector<mechanism> server_mechanisms();

/// By its name in any case.
[[nodiscard]] std::optional<mechanism> parse_mechanism(std::string_view name) noexcept;

}  // namespace netlab::mail
