// SPDX-License-Identifier: MIT
// Line ends for network protocols.
#pragma once

#include <string>
#include <string_view>

namespace netlab::connect {

/// Inserts a CR before each LF that has none. The result does not depend on how the stream is cut into pieces.
class crlf_writer {
 public:
  void append(std::string& to, std::string_view text);

 private:
  bool after_cr_ = false;
};

}  // namespace netlab::connect
