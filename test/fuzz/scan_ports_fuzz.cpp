// SPDX-License-Identifier: MIT
// A port list is parsed into ascending ports that can be formatted and parsed again, or refused in one harmless line.
#include <algorithm>

#include "fuzz.hpp"
#include "scan/ports.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto ports = scan::parse_ports(fuzz::text_of(data, size));
  if (!ports) {
    fuzz::require(fuzz::is_harmless(describe(ports.error())), "the refusal is harmless");
    return 0;
  }
  fuzz::require(!ports->empty() && ports->front() != 0, "there are ports, and 0 is none");
  fuzz::require(std::ranges::adjacent_find(*ports, std::greater_equal<>()) == ports->end(), "ascending, none twice");
  const auto again = scan::parse_ports(scan::to_string(*ports));
  fuzz::require(again && *again == *ports, "the list written and read is the same");
  return 0;
}
