// SPDX-License-Identifier: MIT
// What a function returns that can fail for reasons outside the program.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace netlab {

/// Why something failed. `code` says what happened; the words are for a person.
struct failure {
  failure() = default;
  /// The code becomes a standard one: see to_standard().
  failure(std::error_code why, std::string what, std::string in_full = {}, std::string cure = {})
      : code(to_standard(why)), context(std::move(what)), detail(std::move(in_full)), hint(std::move(cure)) {}

  std::error_code code;
  std::string context;  ///< the act and its object, `connect 192.0.2.1:25`; may be empty; no secrets
  std::string detail;   ///< replaces the code's own message where that says too little
  std::string hint;     ///< the cure, if there is one; shown in brackets
};

template <class Value>
using result = std::expected<Value, failure>;

using std::unexpected;

/// One of our own codes with its reason in full.
[[nodiscard]] inline unexpected<failure> fail(errc code, std::string detail, std::string hint = {}) {
  return unexpected(failure{make_error_code(code), {}, std::move(detail), std::move(hint)});
}

/// A system or library code met while doing `context`.
[[nodiscard]] inline unexpected<failure> fail(std::error_code code, std::string context, std::string hint = {}) {
  return unexpected(failure(code, std::move(context), {}, std::move(hint)));
}

/// `errno` as an error code.
[[nodiscard]] std::error_code last_system_error() noexcept;

/// What a code says, lower case, no full stop: `connection refused`.
[[nodiscard]] std::string message_of(const std::error_code& code);

/// One line, lower case, no full stop: `connect [::1]:25: connection refused (is it running?)`.
[[nodiscard]] std::string describe(const failure& what);

}  // namespace netlab
