// SPDX-License-Identifier: MIT
// SCRAM-SHA-256 (RFC 5802, 7677): the password is never sent, and the server proves that it knows its keys.
#pragma once

#include "mail/login/sasl.hpp"

namespace netlab::mail {

inline constexpr unsigned min_scram_iterations = 4096;       // RFC 7677 §4
inline constexpr unsigned max_scram_iterations = 1'000'000;  // takes half a second; refuse more

class scram final : public sasl {
 public:
  /// `plus`: bound to the TLS connection by parameters.binding.
  scram(sasl_parameters with, bool plus);

  [[nodiscard]] std::optional<secret> initial() override;
  [[nodiscard]] result<secret> answer(std::string_view challenge) override;
  [[nodiscard]] result<void> succeeded() override;

 private:
  [[nodiscard]] result<secret> prove(std::string_view server_first);
  [[nodiscard]] result<secret> verify(std::string_view server_final);

  enum class step : std::uint8_t { first, proof, verified, failed };
  sasl_parameters with_;
  bool plus_;
  step step_ = step::first;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_signature_;
};

}  // namespace netlab::mail
