// SPDX-License-Identifier: MIT
// Authentication: the server's side of SASL mechanisms (RFC 4422), as used by AUTH (RFC 4954).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/login/accounts.hpp"
#include "mail/login/sasl.hpp"

namespace netlab::mail {

/// The server's next step in an exchange.
struct sasl_step {
  enum class kind : std::uint8_t {
    challenge,  ///< send `text` to the client
    accepted,
    refused,    ///< wrong name or password; the client is not told which
    malformed,  ///< `text` is the syntax error
  };
  kind type = kind::refused;
  std::string text;
};

/// One login attempt. Messages are not in Base64.
class sasl_server {
 public:
  virtual ~sasl_server() = default;

  /// Handles the client's response; the first call has its initial response, or none.
  [[nodiscard]] virtual sasl_step take(std::optional<std::string_view> response) = 0;
  /// The user name that the client has given so far; not escaped.
  [[nodiscard]] const std::string& user() const noexcept { return user_; }

 protected:
  std::string user_;
};

struct sasl_server_parameters {
  std::string host;   ///< for the challenge of CRAM-MD5
  std::string nonce;  ///< 18 or more fresh printable characters, without commas
  std::optional<channel_binding> binding;  ///< of the TLS connection, if any
  bool offers_binding = false;  ///< SCRAM-SHA-256-PLUS is offered: refuse a client that claims it is not (downgrade)
};

/// PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256 and, with a binding, SCRAM-SHA-256-PLUS; null for others. `known` must
/// outlive it.
[[nodiscard]] std::unique_ptr<sasl_server> make_sasl_server(mechanism which, const accounts& known,
                                                            sasl_server_parameters with);

/// All mechanisms of make_sasl_server(), the strongest first.
[[nodiscard]] std::vector<mechanism> server_mechanisms();

/// Case does not matter.
[[nodiscard]] std::optional<mechanism> parse_mechanism(std::string_view name) noexcept;

}  // namespace netlab::mail
