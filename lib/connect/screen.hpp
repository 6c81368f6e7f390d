// SPDX-License-Identifier: MIT
// A peer's stream made safe for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace netlab::connect {

/// Lines stay lines; control characters and what is not UTF-8 are written as `\x1b`. A character whose octets have not
/// all come is held back. Any cut of the stream gives the same text.
class screen {
 public:
  [[nodiscard]] std::string show(std::string_view octets);
  /// What was held back, at the end.
  [[nodiscard]] std::string rest();

 private:
  std::string held_;
};

}  // namespace netlab::connect
