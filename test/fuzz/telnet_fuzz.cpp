// SPDX-License-Identifier: MIT
// Telnet commands are found for any cut of the stream, and the number of refusals is limited.
#include "base/telnet.hpp"
#include "fuzz.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  telnet_filter at_once;
  const auto whole = at_once.feed(input);
  telnet_filter slowly;
  std::string text;
  std::string answer;
  for (const char c : input) {
    const auto part = slowly.feed({&c, 1});
    text += part.data;
    answer += part.answer;
  }
  fuzz::require(text == whole.data && answer == whole.answer, "octet by octet as whole");
  fuzz::require(whole.answer.size() <= 2 * 256 * 3, "each option is refused once each way");
  return 0;
}
