// SPDX-License-Identifier: MIT
#include "calc/evaluate.hpp"

#include <array>
#include <cstdlib>

#include "calc/reduce.hpp"

namespace netlab::calc {
namespace {

// Without a 0, the magnitude of a product cannot decrease, so one that fits in 32 bits has at most 31 factors other
// than ±1 (2^31 fits if it is negative).
constexpr std::uint32_t most_large_factors = 31;

std::expected<std::int32_t, refusal> multiply_many(std::span<const std::int32_t> numbers) noexcept {
  const factor_counts counts = count_factors(numbers);
  if (counts.zeros > 0) return 0;
  if (counts.large > most_large_factors) return std::unexpected(refusal::out_of_range);
  std::int64_t product = 1;  // of the magnitudes
  for (const std::int32_t number : numbers) {
    if (counts.large == 0) break;
    product *= std::abs(std::int64_t{number});  // before this, it is at most 2^31, so now at most 2^62
    if (product > std::int64_t{1} << 31) return std::unexpected(refusal::out_of_range);
  }
  return in_range(counts.negative % 2 == 0 ? product : -product);
}

}  // namespace

std::string_view reason(refusal why) noexcept {
  switch (why) {
    case refusal::unknown_operation: return "unknown operation";
    case refusal::empty_comparison: return "at least one number is needed";
    case refusal::out_of_range: return "the result is outside 32 bits";
    case refusal::wrong_length: return "its length does not match its N";
  }
  return "refused";
}

std::expected<std::int32_t, refusal> evaluate(operation op, std::span<const std::int32_t> numbers) noexcept {
  if (numbers.size() <= few_numbers)
    return evaluate_few(op, numbers.size(), [&](std::size_t at) { return numbers[at]; });
  switch (op) {
    case operation::sum: return in_range(sum_of(numbers));
    case operation::product: return multiply_many(numbers);
    case operation::minimum: return minimum_of(numbers);
    case operation::maximum: return maximum_of(numbers);
  }
  return std::unexpected(refusal::unknown_operation);
}

std::expected<std::int32_t, refusal> evaluate_many(operation op, bytes_view numbers, byte_order order) noexcept {
  std::array<std::int32_t, max_numbers> storage;  // not initialized, which would take longer than many requests
  const std::span<std::int32_t> decoded = std::span(storage).first(numbers.size() / 4);
  decode_numbers(numbers, order, decoded);
  return evaluate(op, decoded);
}

std::expected<std::int32_t, refusal> evaluate(const request& asked) noexcept {
  const auto op = parse_operation(asked.op);
  if (!op) return std::unexpected(refusal::unknown_operation);
  return evaluate(*op, asked.numbers);
}

std::expected<answer, refusal> answer_datagram(bytes_view request, byte_order order) noexcept {
  if (request.size() < header_size || request.size() > max_request_size) return std::unexpected(refusal::wrong_length);
  const header head = decode_header(request, order);
  const auto op = check_header(head);
  if (!op) return std::unexpected(op.error());
  if (request.size() != head.request_size()) return std::unexpected(refusal::wrong_length);
  const auto value = evaluate(*op, request.subspan(header_size), order);
  if (!value) return std::unexpected(value.error());
  return answer{.id = head.id, .value = *value};
}

}  // namespace netlab::calc
