// SPDX-License-Identifier: MIT
#include "base/line_buffer.hpp"

#include <algorithm>

namespace netlab {

std::optional<line_buffer::line> line_buffer::next() {
  for (;;) {
    const std::size_t end = pending_.find('\n', std::max(start_, scanned_));
    if (end == std::string::npos) {
      scanned_ = pending_.size();
      if (skipping_) {
        start_ = scanned_;
        compact();
        return std::nullopt;
      }
      // A CR at the end may be part of the line ending, so it does not count yet.
      const std::size_t length = pending_.size() - start_;
      const bool maybe_ending = length > 0 && pending_.back() == '\r';
      if (length - (maybe_ending ? 1 : 0) <= limit_) {
        compact();
        return std::nullopt;
      }
      start_ = scanned_;
      skipping_ = true;
      return line{.text = {}, .has_cr = false, .too_long = true};
    }
    line found{.text = std::string_view(pending_).substr(start_, end - start_)};
    start_ = scanned_ = end + 1;
    if (skipping_) {
      skipping_ = false;
      continue;
    }
    if (found.text.ends_with('\r')) {
      found.has_cr = true;
      found.text.remove_suffix(1);
    }
    if (found.text.size() > limit_) return line{.text = {}, .has_cr = found.has_cr, .too_long = true};
    return found;
  }
}

std::optional<line_buffer::line> line_buffer::rest() {
  if (start_ == pending_.size() || skipping_) return std::nullopt;
  line found{.text = std::string_view(pending_).substr(start_)};
  start_ = scanned_ = pending_.size();
  return found;
}

void line_buffer::skip_line() noexcept {
  start_ = scanned_ = pending_.size();
  skipping_ = true;
}

void line_buffer::compact() {
  if (start_ == 0) return;
  pending_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
}

}  // namespace netlab
