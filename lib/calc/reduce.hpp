// SPDX-License-Identifier: MIT
// Sums, extremes and products of many numbers, in loops that the compiler turns into vector instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace netlab::calc {

/// Plain loops over up to as many numbers are done before vector instructions are set up.
inline constexpr std::size_t few_numbers = 8;

/// Fills `to`; `from` must hold as many numbers of 4 octets.
void load_numbers(bytes_view from, byte_order order, std::span<std::int32_t> to) noexcept;

/// Up to 2^32 numbers cannot overflow the result.
[[nodiscard]] std::int64_t sum_of(std::span<const std::int32_t> numbers) noexcept;

/// There must be at least one number.
[[nodiscard]] std::int32_t minimum_of(std::span<const std::int32_t> numbers) noexcept;
[[nodiscard]] std::int32_t maximum_of(std::span<const std::int32_t> numbers) noexcept;

/// What decides most products without a multiplication.
struct factor_counts {
  std::uint32_t zeros = 0;
  std::uint32_t negative = 0;
  std::uint32_t large = 0;  ///< neither 0 nor ±1
};
[[nodiscard]] factor_counts count_factors(std::span<const std::int32_t> numbers) noexcept;

}  // namespace netlab::calc
