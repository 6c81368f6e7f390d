// SPDX-License-Identifier: MIT
// SCRAM-SHA-256 (RFC 5802, 7677), the server's side: verifies that the client knows the password, and proves in turn
// that the server knows its keys.
#pragma once

#include "mail/login/sasl_server.hpp"

namespace netlab::mail {

class scram_server final : public sasl_server {
 public:
  /// `known` must outlive it. `plus`: bound to the TLS connection by with.binding.
  scram_server(const accounts& known, sasl_server_parameters with, bool plus)
      : known_(known), with_(std::move(with)), plus_(plus), nonce_(with_.nonce) {}

  [[nodiscard]] sasl_step take(std::optional<std::string_view> response) override;

 private:
  [[nodiscard]] sasl_step begin(std::string_view client_first);
  [[nodiscard]] sasl_step verify(std::string_view client_final);

  enum class step : std::uint8_t { first, proof, farewell, ended };
  const accounts& known_;
  sasl_server_parameters with_;
  bool plus_;
  std::string nonce_;  // the server's; after the first message the client's is in front of it
  step step_ = step::first;
  scram_keys keys_;
  std::string gs2_header_;
  std::string so_far_;  // client-first-message-bare "," server-first-message
};

}  // namespace netlab::mail
