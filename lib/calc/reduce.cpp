// SPDX-License-Identifier: MIT
#include "calc/reduce.hpp"

#include <algorithm>
#include <cstring>

// At -O2, g++ 12 vectorises only loops of a known length. AVX2 swaps the octets of 8 numbers by one instruction, for
// which SSE2 needs 14; the C library chooses the variant when the program starts (ifunc). The sanitizers' own start-up
// comes too late for that.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("O3")
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define NETLAB_VECTORISED [[gnu::target_clones("avx2", "default")]]
#endif
#endif
#ifndef NETLAB_VECTORISED
#define NETLAB_VECTORISED
#endif

namespace netlab::calc {

NETLAB_VECTORISED void load_numbers(bytes_view from, byte_order order, std::span<std::int32_t> to) noexcept {
  std::memcpy(to.data(), from.data(), to.size_bytes());
  if (order == native_order) return;
  for (std::int32_t& number : to)
    number = static_cast<std::int32_t>(__builtin_bswap32(static_cast<std::uint32_t>(number)));
}

NETLAB_VECTORISED std::int64_t sum_of(std::span<const std::int32_t> numbers) noexcept {
  std::int64_t sum = 0;
  for (const std::int32_t number : numbers) sum += number;
  return sum;
}

NETLAB_VECTORISED std::int32_t minimum_of(std::span<const std::int32_t> numbers) noexcept {
  std::int32_t least = numbers.front();
  for (const std::int32_t number : numbers) least = number < least ? number : least;
  return least;
}

NETLAB_VECTORISED std::int32_t maximum_of(std::span<const std::int32_t> numbers) noexcept {
  std::int32_t greatest = numbers.front();
  for (const std::int32_t number : numbers) greatest = number > greatest ? number : greatest;
  return greatest;
}

NETLAB_VECTORISED factor_counts count_factors(std::span<const std::int32_t> numbers) noexcept {
  factor_counts counts;
  for (const std::int32_t number : numbers) {
    counts.zeros += number == 0 ? 1U : 0U;
    counts.negative += number < 0 ? 1U : 0U;
    counts.large += static_cast<std::uint32_t>(number) + 1 > 2 ? 1U : 0U;
  }
  return counts;
}

}  // namespace netlab::calc

#undef NETLAB_VECTORISED
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
