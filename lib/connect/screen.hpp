// SPDX-License-Identifier: MIT
// Makes a peer's stream safe for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace netlab::connect {

/// Keeps line ends; writes control characters and invalid UTF-8 as `\x1b`. Holds an incomplete character back until its
/// other octets arrive. The result does not depend on how the stream is cut into pieces.
class screen {
 public:
  [[nodiscard]] std::string show(std::string_view octets);
  /// The octets held back; call it at the end.
  [[nodiscard]] std::string rest();

 private:
  std::string held_;
};

}  // namespace netlab::connect
