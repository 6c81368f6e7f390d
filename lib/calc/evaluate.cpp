// SPDX-License-Identifier: MIT
#include "calc/evaluate.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace netlab::calc {
namespace {

std::expected<std::int32_t, refusal> in_range(std::int64_t exact) noexcept {
  if (exact < std::numeric_limits<std::int32_t>::min() || exact > std::numeric_limits<std::int32_t>::max())
    return std::unexpected(refusal::out_of_range);
  return static_cast<std::int32_t>(exact);
}

std::expected<std::int32_t, refusal> multiply(std::span<const std::int32_t> numbers) noexcept {
  // One 0 makes the product 0, whatever the intermediate values are.
  if (std::find(numbers.begin(), numbers.end(), 0) != numbers.end()) return 0;
  std::int64_t product = 1;
  for (const std::int32_t number : numbers) {
    product *= number;  // before this, |product| ≤ 2^31, so now it is at most 2^62
    // As there is no 0, the magnitude cannot decrease.
    if (const auto fits = in_range(product); !fits && product != std::int64_t{1} << 31) return fits;
  }
  return in_range(product);
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
  switch (op) {
    case operation::sum: {
      std::int64_t sum = 0;  // 255 numbers of 32 bits cannot overflow 64 bits
      for (const std::int32_t number : numbers) sum += number;
      return in_range(sum);
    }
    case operation::product: return multiply(numbers);
    case operation::minimum:
      if (numbers.empty()) return std::unexpected(refusal::empty_comparison);
      return *std::min_element(numbers.begin(), numbers.end());
    case operation::maximum:
      if (numbers.empty()) return std::unexpected(refusal::empty_comparison);
      return *std::max_element(numbers.begin(), numbers.end());
  }
  return std::unexpected(refusal::unknown_operation);
}

std::expected<std::int32_t, refusal> evaluate(const request& asked) noexcept {
  const auto op = parse_operation(asked.op);
  if (!op) return std::unexpected(refusal::unknown_operation);
  return evaluate(*op, asked.numbers);
}

std::expected<operation, refusal> check_header(const header& from) noexcept {
  const auto op = parse_operation(from.operation_name());
  if (!op) return std::unexpected(refusal::unknown_operation);
  if (from.count == 0 && (*op == operation::minimum || *op == operation::maximum))
    return std::unexpected(refusal::empty_comparison);
  return *op;
}

std::expected<void, refusal> answer_datagram(bytes_view request, byte_order order, bytes& reply) {
  if (request.size() < header_size) return std::unexpected(refusal::wrong_length);
  const header head = decode_header(request, order);
  const auto op = check_header(head);
  if (!op) return std::unexpected(op.error());
  if (request.size() != head.request_size()) return std::unexpected(refusal::wrong_length);
  std::array<std::int32_t, max_numbers> storage{};
  const std::span<std::int32_t> numbers = std::span(storage).first(head.count);
  decode_numbers(request.subspan(header_size), order, numbers);
  const auto value = evaluate(*op, numbers);
  if (!value) return std::unexpected(value.error());
  append_answer(reply, {.id = head.id, .value = *value}, order);
  return {};
}

}  // namespace netlab::calc
