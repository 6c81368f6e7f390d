// SPDX-License-Identifier: MIT
// Strict parsing gives the same result as nlohmann::json::parse(), or refuses a duplicate key.
#include "frame/strict_json.hpp"
#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = netlab::fuzz::text_of(data, size);
  const auto strict = netlab::app::parse_strict_json(text);
  const auto lenient = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  netlab::fuzz::require(!lenient.is_discarded() || !strict, "both see the same errors");
  netlab::fuzz::require(!strict || *strict == lenient, "both see the same value");
  return 0;
}
