// SPDX-License-Identifier: MIT
// Dot-stuffing (RFC 5321 §4.5.2): a line that begins with a dot gets a second one.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace netlab::mail {

/// For text with CRLF line ends; any cut of it gives the same result.
class dot_stuffer {
 public:
  void append_to(bytes& to, std::string_view text) {
    while (!text.empty()) {
      if (at_line_start_ && text.front() == '.') to.push_back(std::byte{'.'});
      // Search for dots, which are rarer than lines.
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
