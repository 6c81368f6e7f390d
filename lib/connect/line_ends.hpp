// SPDX-License-Identifier: MIT
// Line ends as network protocols want them.
#pragma once

#include <string>
#include <string_view>

namespace netlab::connect {

/// Puts a CR before each LF that has none. Any cut of the stream gives the same result.
class crlf_writer {
 public:
  void append(std::string& to, std::string_view text);

 private:
  bool after_cr_ = false;
};

}  // namespace netlab::connect
