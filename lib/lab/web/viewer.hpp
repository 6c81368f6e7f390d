// SPDX-License-Identifier: MIT
// Who asks: the teacher by the token, a student by the address; and whether the request may be one at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"

namespace netlab::lab {

struct viewer {
  std::string address;  ///< without its port
  bool is_teacher = false;
};

/// The rules for requests. Comparisons with secrets take the same time whatever is wrong.
class access_rules {
 public:
  /// `token`: the teacher's. `secret`: for form tokens, fresh for each run. `hosts`: names of this machine, besides
  /// `localhost` and addresses. Throws std::bad_alloc if OpenSSL cannot make a digest.
  access_rules(std::string token, std::string secret, std::vector<std::string> hosts);

  /// Against DNS rebinding: a page of a foreign name whose address became ours must not read this one. An address in
  /// Host cannot be rebound.
  [[nodiscard]] bool is_our_host(std::string_view host) const;
  /// Nothing if the request has a token (`?token=` or `Authorization: Bearer`) that is wrong.
  [[nodiscard]] std::optional<viewer> identify(const http::request& from, std::string_view address) const;
  /// Belongs into each form of this viewer; a foreign page cannot know it.
  [[nodiscard]] std::string form_token(const viewer& of) const;
  /// True if a request that changes something was not sent by a foreign page.
  [[nodiscard]] bool is_own_form(const http::request& from, const viewer& by) const;

  [[nodiscard]] const std::string& token() const noexcept { return token_; }

 private:
  std::string token_;
  std::string secret_;
  std::vector<std::string> hosts_;
};

/// A token: at least 16 characters, all of them letters, digits, `-` or `_`.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

}  // namespace netlab::lab
