// SPDX-License-Identifier: MIT
// The output of a tour: a terminal, a program that reads JSON, or a test.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

class narrator {
 public:
  virtual ~narrator() = default;
  virtual void chapter(int number, std::string_view title) = 0;
  /// Called before each step; may wait for the reader. False: the reader wants to stop. Fails when cancelled.
  [[nodiscard]] virtual asio::awaitable<result<bool>> next() { co_return true; }
  /// Starts a new step, to which the following calls belong.
  virtual void step(std::string_view title) = 0;
  /// A paragraph of text, to be wrapped.
  virtual void say(std::string_view text) = 0;
  /// One line, unchanged: a command, octets, a result.
  virtual void show(std::string_view line) = 0;
  /// An observation; `held` is true if it was as expected.
  virtual void check(std::string_view observation, bool held) = 0;
};

}  // namespace netlab::lab
