// SPDX-License-Identifier: MIT
// Transparency (RFC 5321 §4.5.2): a line that begins with a dot gets another one.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace netlab::mail {

/// For text whose lines end in CRLF, in any cut.
class dot_stuffer {
 public:
  void append_to(bytes& to, std::string_view text) {
    while (!text.empty()) {
      if (at_line_start_ && text.front() == '.') to.push_back(std::byte{'.'});
      // Only a dot at the start of a line matters, and dots are rarer than lines.
      std::size_t dot = 0;
      do {
        dot = text.find('.', dot + 1);
      } while (dot != std::string_view::npos && text[dot - 1] != '\n');
      const std::string_view piece = text.substr(0, dot);
      append(to, piece);
      at_line_start_ = piece.back() == '\n';
      text.remove_prefix(piece.size());
    }
  }

 private:
  bool at_line_start_ = true;
};

}  // namespace netlab::mail
