// SPDX-License-Identifier: MIT
// The lines of a stream do not depend on how it is cut, and none is longer than the limit.
#include "base/line_buffer.hpp"
#include "fuzz.hpp"

using namespace netlab;

namespace {

constexpr std::size_t limit = 10;

std::vector<std::string> lines_of(const std::vector<std::string_view>& pieces) {
  line_buffer buffer(limit);
  std::vector<std::string> lines;
  for (const std::string_view piece : pieces) {
    buffer.append(piece);
    while (const auto line = buffer.next()) {
      fuzz::require(line->text.size() <= limit, "a line is no longer than the limit");
      lines.push_back(line->too_long ? "too long\n" : std::string(line->text) + (line->has_cr ? "\r" : ""));
    }
    fuzz::require(buffer.held() <= limit + 1, "no more is held than a line");
  }
  if (const auto rest = buffer.rest()) lines.push_back("rest\n" + std::string(rest->text));
  return lines;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto pieces = fuzz::take_cut(input);
  fuzz::require(lines_of(pieces) == lines_of({input}), "the lines are the same for every cut");
  return 0;
}
