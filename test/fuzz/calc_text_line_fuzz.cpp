// SPDX-License-Identifier: MIT
// A line that can be parsed is formatted so that it parses to the same request; a refusal is harmless.
#include "calc/text_line.hpp"
#include "fuzz.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = calc::parse_line(fuzz::text_of(data, size));
  if (!parsed) {
    fuzz::require(fuzz::is_harmless(describe(parsed.error())), "the refusal is harmless");
    return 0;
  }
  fuzz::require(parsed->numbers.size() <= calc::max_numbers, "no more numbers than a request takes");
  const std::string line = calc::to_line(*parsed);
  fuzz::require(fuzz::is_harmless(line), "the line is harmless");
  if (parsed->numbers.size() > 12) return 0;  // shown in part
  const auto again = calc::parse_line(line);
  fuzz::require(again && again->op == parsed->op && again->numbers == parsed->numbers, "it comes back");
  return 0;
}
