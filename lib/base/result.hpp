// SPDX-License-Identifier: MIT
// The return type of functions that can fail for reasons outside the program.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace netlab {

/// Why something failed. `code` is for the program; the texts are for people.
struct failure {
  failure() = default;
  /// Converts the code with to_standard().
  failure(std::error_code why, std::string act, std::string in_full = {}, std::string cure = {})
      : code(to_standard(why)), context(std::move(act)), detail(std::move(in_full)), hint(std::move(cure)) {}

  std::error_code code;
  std::string context;  ///< the action and its object, `connect 192.0.2.1:25`; may be empty; no secrets
  std::string detail;   ///< replaces the message of the code where that is not enough
  std::string hint;     ///< how to fix it, if known; shown in brackets
};

template <class Value>
using result = std::expected<Value, failure>;

using std::unexpected;

/// One of our own codes, with the reason as a text.
[[nodiscard]] inline unexpected<failure> fail(errc code, std::string detail, std::string hint = {}) {
  return unexpected(failure{make_error_code(code), {}, std::move(detail), std::move(hint)});
}

/// A system or library code that occurred while doing `context`.
[[nodiscard]] inline unexpected<failure> fail(std::error_code code, std::string context, std::string hint = {}) {
  return unexpected(failure(code, std::move(context), {}, std::move(hint)));
}

/// `errno` as an error code.
[[nodiscard]] std::error_code last_system_error() noexcept;

/// The message of a code in lower case, without full stop: `connection refused`.
[[nodiscard]] std::string message_of(const std::error_code& code);

/// One line in lower case, without full stop: `connect [::1]:25: connection refused (is it running?)`.
[[nodiscard]] std::string describe(const failure& why);

}  // namespace netlab
