// SPDX-License-Identifier: MIT
// Decoding inverts encoding; a text that can be decoded is its encoding, except for blanks.
#include "base/base64.hpp"
#include "fuzz.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto back = decode_base64(encode_base64(as_bytes(input)));
  fuzz::require(back && as_text(*back) == input, "what is encoded comes back");
  if (const auto octets = decode_base64(input)) {
    std::string packed(input);
    std::erase_if(packed, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    fuzz::require(encode_base64(*octets) == packed, "a value has one spelling");
  }
  return 0;
}
