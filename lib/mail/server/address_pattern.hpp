// SPDX-License-Identifier: MIT
// A pattern that matches one address, all addresses of a domain, all addresses, or only the empty sender.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mail/message/address.hpp"

namespace netlab::mail {

/// `joe@example.org`, `@example.org`, `*` or `<>`; case does not matter.
class address_pattern {
 public:
  /// Fails with errc::usage.
  [[nodiscard]] static result<address_pattern> parse(std::string_view text);

  /// `of`: null for the empty sender.
  [[nodiscard]] bool matches(const address* of) const noexcept;

 private:
  enum class kind : std::uint8_t { all, empty, domain, one };
  kind kind_ = kind::all;
  std::string local_;   // in lower case
  std::string domain_;  // in A-labels
};

}  // namespace netlab::mail
