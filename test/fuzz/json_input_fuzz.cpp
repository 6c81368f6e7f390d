// SPDX-License-Identifier: MIT
// The fast and the complete JSON parser give the same result.
#include "frame/json_input.hpp"
#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = netlab::fuzz::text_of(data, size);
  const auto fast = netlab::app::parse_json(text);
  const auto thorough = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  // Only a duplicate key is refused here although nlohmann_json accepts it.
  netlab::fuzz::require(!thorough.is_discarded() || !fast, "both see the same errors");
  netlab::fuzz::require(!fast || *fast == thorough, "both see the same value");
  return 0;
}
