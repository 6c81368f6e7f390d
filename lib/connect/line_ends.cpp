// SPDX-License-Identifier: MIT
#include "connect/line_ends.hpp"

namespace netlab::connect {

void crlf_writer::append(std::string& to, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view before = text.substr(0, end);
    to += before;
    if (!before.empty()) after_cr_ = before.back() == '\r';
    if (end == std::string_view::npos) return;
    if (!after_cr_) to += '\r';
    to += '\n';
    after_cr_ = false;
    text.remove_prefix(end + 1);
  }
}

}  // namespace netlab::connect
