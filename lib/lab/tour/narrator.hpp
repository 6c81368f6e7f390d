// SPDX-License-Identifier: MIT
// Who tells a tour: a terminal, a program that reads JSON, a test.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

class narrator {
 public:
  virtual ~narrator() = default;
  virtual void chapter(int number, std::string_view title) = 0;
  /// Asked before each step: may wait for the reader. False: the reader has had enough. Fails when cancelled.
  [[nodiscard]] virtual asio::awaitable<result<bool>> next() { co_return true; }
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
