// SPDX-License-Identifier: MIT
// The correct answer is accepted, any other is refused in one harmless line.
#include "calc/check.hpp"
#include "calc/evaluate.hpp"
#include "fuzz.hpp"

using namespace netlab;
using namespace netlab::calc;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const byte_order order = fuzz::take_octet(input) % 2 == 0 ? byte_order::big : byte_order::little;
  if (input.size() < header_size) return 0;
  const header head = decode_header(as_bytes(input), order);
  input.remove_prefix(header_size);
  request asked{.id = head.id, .op = std::string(head.operation_name()), .numbers = {}};
  asked.numbers.resize(std::min<std::size_t>(head.count, input.size() / 4));
  decode_numbers(as_bytes(input), order, asked.numbers);
  input.remove_prefix(4 * asked.numbers.size());

  const auto expected = evaluate(asked);
  if (expected) {
    bytes right;
    append_answer(right, {.id = asked.id, .value = *expected}, order);
    fuzz::require(check_answer(asked, order, right) == *expected, "the right answer is accepted");
  }
  const auto datagram = check_datagram(asked, order, as_bytes(input));
  if (!datagram) fuzz::require(fuzz::is_harmless(describe(datagram.error())), "the diagnosis is harmless");
  if (input.size() >= answer_size) {
    const auto value = check_answer(asked, order, as_bytes(input));
    if (value)
      fuzz::require(expected && *value == *expected, "only the right answer is accepted");
    else
      fuzz::require(fuzz::is_harmless(describe(value.error())), "the diagnosis is harmless");
  }
  fuzz::require(fuzz::is_harmless(silence_hint(asked, order)), "the hint is harmless");
  return 0;
}
