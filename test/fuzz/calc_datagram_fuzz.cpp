// SPDX-License-Identifier: MIT
// A datagram is answered with its exact result, computed here in another way, or not at all.
#include "calc/evaluate.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <optional>

using namespace netlab;
using namespace netlab::calc;

namespace {

// The result without overflow: a product is limited to a bound from which only a factor 0 leads back into 32 bits.
std::optional<std::int64_t> slow_result(std::string_view op, const std::vector<std::int32_t>& numbers) {
  constexpr __int128 bound = static_cast<__int128>(1) << 70;
  __int128 value = op == "PRO" ? 1 : 0;
  if (op == "SUM") {
    for (const std::int32_t each : numbers) value += each;
  } else if (op == "PRO") {
    for (const std::int32_t each : numbers) value = std::clamp(value * each, -bound, bound);
  } else if ((op == "MIN" || op == "MAX") && !numbers.empty()) {
    auto sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    value = op == "MIN" ? sorted.front() : sorted.back();
  } else {
    return std::nullopt;
  }
  if (value < INT32_MIN || value > INT32_MAX) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const byte_order order = fuzz::take_octet(input) % 2 == 0 ? byte_order::big : byte_order::little;
  const auto answered = answer_datagram(as_bytes(input), order);
  if (!answered) fuzz::require(!reason(answered.error()).empty(), "a refusal has a reason");
  if (input.size() < header_size) {
    fuzz::require(!answered, "a header is needed");
    return 0;
  }
  const header head = decode_header(as_bytes(input), order);
  if (input.size() != head.request_size()) {
    fuzz::require(!answered, "the length matches N");
    return 0;
  }
  request asked{.id = head.id, .op = std::string(head.operation_name()), .numbers = {}};
  asked.numbers.resize(head.count);
  decode_numbers(as_bytes(input).subspan(header_size), order, asked.numbers);
  bytes encoded;
  append_request(encoded, asked, order);
  fuzz::require(as_text(encoded) == input, "a request comes back");
  const auto expected = slow_result(asked.op, asked.numbers);
  fuzz::require(answered.has_value() == expected.has_value(), "what has a result is answered");
  if (!answered) return 0;
  fuzz::require(answered->id == asked.id && answered->value == *expected, "the answer is right");
  return 0;
}
