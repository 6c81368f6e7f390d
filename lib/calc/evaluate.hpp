// SPDX-License-Identifier: MIT
// Computes the exact result of a request.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string>

#include "calc/reduce.hpp"
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

/// The exact result as 32 bits, if it fits.
[[nodiscard]] constexpr std::expected<std::int32_t, refusal> in_range(std::int64_t exact) noexcept {
  if (exact != static_cast<std::int32_t>(exact)) return std::unexpected(refusal::out_of_range);
  return static_cast<std::int32_t>(exact);
}

/// evaluate() for at most few_numbers, without copying them: `number_at(n)` is the n-th number.
template <class Numbers>
[[nodiscard, gnu::always_inline]] constexpr std::expected<std::int32_t, refusal> evaluate_few(
    operation op, std::size_t count, Numbers number_at) noexcept {
  if (op == operation::sum) {
    std::int64_t sum = 0;
    for (std::size_t at = 0; at < count; ++at) sum += number_at(at);
    return in_range(sum);
  }
  if (op == operation::product) {
    // A product out of range becomes `too_large` and stays so unless a factor is 0. Times any number it fits in 64
    // bits.
    constexpr std::int64_t limit = std::int64_t{1} << 31;
    constexpr std::int64_t too_large = std::int64_t{1} << 32;
    std::int64_t product = 1;
    for (std::size_t at = 0; at < count; ++at) {
      product *= number_at(at);
      if (product < -limit || product > limit) product = too_large;
    }
    return in_range(product);
  }
  if (count == 0) return std::unexpected(refusal::empty_comparison);
  std::int32_t found = number_at(0);
  for (std::size_t at = 1; at < count; ++at)
    found = op == operation::minimum ? std::min(found, number_at(at)) : std::max(found, number_at(at));
  return found;
}

/// The mathematically exact result: intermediate values cannot overflow. An empty sum is 0, an empty product 1.
[[nodiscard]] std::expected<std::int32_t, refusal> evaluate(operation op,
                                                            std::span<const std::int32_t> numbers) noexcept;

[[nodiscard]] std::expected<std::int32_t, refusal> evaluate(const request& asked) noexcept;

/// evaluate() for more numbers than few_numbers, as they are on the wire.
[[nodiscard]] std::expected<std::int32_t, refusal> evaluate_many(operation op, bytes_view numbers,
                                                                 byte_order order) noexcept;
/// The same for at most max_numbers numbers as they are on the wire.
[[nodiscard, gnu::always_inline]] inline std::expected<std::int32_t, refusal> evaluate(operation op, bytes_view numbers,
                                                                                       byte_order order) noexcept {
  const std::size_t count = numbers.size() / 4;
  if (count > few_numbers) return evaluate_many(op, numbers, order);
  return evaluate_few(op, count, [&](std::size_t at) {
    std::uint32_t octets = 0;
    std::memcpy(&octets, numbers.data() + 4 * at, sizeof octets);  // unlike load_u32(), without checking the size again
    return static_cast<std::int32_t>(order == native_order ? octets : swap_octets(octets));
  });
}

/// Checks whether a request with this header can have an answer, as far as the header shows.
[[nodiscard]] inline std::expected<operation, refusal> check_header(const header& from) noexcept {
  const auto op = parse_operation(from.letters);
  if (!op) return std::unexpected(refusal::unknown_operation);
  if (from.count == 0 && (*op == operation::minimum || *op == operation::maximum))
    return std::unexpected(refusal::empty_comparison);
  return *op;
}

/// Answers one datagram, which must be exactly one request.
[[nodiscard]] std::expected<answer, refusal> answer_datagram(bytes_view request, byte_order order) noexcept;

}  // namespace netlab::calc
