// SPDX-License-Identifier: MIT
// The output of escape() never affects a terminal.
#include "base/text.hpp"
#include "fuzz.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::require(fuzz::is_harmless(escape(text)), "escaped text is harmless");
  fuzz::require(fuzz::is_harmless(escape(text, size / 2)), "cut and escaped, too");
  return 0;
}
