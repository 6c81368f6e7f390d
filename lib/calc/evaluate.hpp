// SPDX-License-Identifier: MIT
// Computes the exact result of a request.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "calc/wire.hpp"

namespace netlab::calc {

/// Why a request has no answer. The protocol cannot report the reason to the client.
enum class refusal : std::uint8_t {
  unknown_operation,
  empty_comparison,  ///< MIN or MAX of no numbers
  out_of_range,      ///< the exact result does not fit in 32 bits
  wrong_length,      ///< a datagram that is not exactly one request
};

/// A lower-case phrase without the object.
[[nodiscard]] std::string_view reason(refusal why) noexcept;

/// The mathematically exact result: intermediate values cannot overflow. An empty sum is 0, an empty product 1.
[[nodiscard]] std::expected<std::int32_t, refusal> evaluate(operation op,
                                                            std::span<const std::int32_t> numbers) noexcept;

[[nodiscard]] std::expected<std::int32_t, refusal> evaluate(const request& asked) noexcept;

/// The same for at most max_numbers numbers as they are on the wire.
[[nodiscard]] std::expected<std::int32_t, refusal> evaluate(operation op, bytes_view numbers,
                                                            byte_order order) noexcept;

/// Checks whether a request with this header can have an answer, as far as the header shows.
[[nodiscard]] inline std::expected<operation, refusal> check_header(const header& from) noexcept {
  const auto op = parse_operation(from.operation_name());
  if (!op) return std::unexpected(refusal::unknown_operation);
  if (from.count == 0 && (*op == operation::minimum || *op == operation::maximum))
    return std::unexpected(refusal::empty_comparison);
  return *op;
}

/// Answers one datagram, which must be exactly one request.
[[nodiscard]] std::expected<answer, refusal> answer_datagram(bytes_view request, byte_order order) noexcept;

}  // namespace netlab::calc
