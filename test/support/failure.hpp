// SPDX-License-Identifier: MIT
// Failures in assertions.
#pragma once

#include <string>

#include "base/result.hpp"

namespace netlab::test {

/// The line that a user would see, or `no failure`.
template <class Value>
[[nodiscard]] std::string why(const result<Value>& from) {
  return from ? "no failure" : describe(from.error());
}

/// True if the result is a failure with this code.
template <class Value>
[[nodiscard]] bool failed_with(const result<Value>& from, errc code) {
  return !from && from.error().code == code;
}

}  // namespace netlab::test
