// SPDX-License-Identifier: MIT
// Who tells a tour: a terminal, a program that reads JSON, a test.
#pragma once

#include <string_view>

namespace netlab::lab {

class narrator {
 public:
  virtual ~narrator() = default;
  virtual void chapter(int number, std::string_view title) = 0;
  /// A new step; what follows belongs to it.
  virtual void step(std::string_view title) = 0;
  /// Prose; to be filled into lines.
  virtual void say(std::string_view text) = 0;
  /// One line as it is: a command, octets, a result.
  virtual void show(std::string_view line) = 0;
  /// What was observed, and whether it is what it should be.
  virtual void check(std::string_view observation, bool held) = 0;
};

}  // namespace netlab::lab
