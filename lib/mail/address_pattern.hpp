// SPDX-License-Identifier: MIT
// Which addresses are meant: one, those of a domain, all, or none at all.
#pragma once

#include <string>
#include <string_view>

#include "mail/address.hpp"

namespace netlab::mail {

/// `joe@example.org`, `@example.org`, `*`, `<>`; case matters in none of them.
class address_pattern {
 public:
  /// Fails with errc::usage.
  [[nodiscard]] static result<address_pattern> parse(std::string_view text);

  /// `of` is nothing for the empty sender.
  [[nodiscard]] bool matches(const address* of) const noexcept;

 private:
  enum class kind : std::uint8_t { all, empty, domain, one };
  kind kind_ = kind::all;
  std::string local_;   // in lower case
  std::string domain_;  // in A-labels
};

}  // namespace netlab::mail
