// SPDX-License-Identifier: MIT
// Splits a stream of octets into lines of limited length.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace netlab {

class line_buffer {
 public:
  struct line {
    std::string_view text;  ///< without the line ending; valid until the next call
    bool has_cr = false;    ///< the line ended in CR LF, not in LF alone
    bool too_long = false;  ///< reported once, as soon as the limit is exceeded; the rest of the line is skipped
  };

  /// `limit`: the most octets of a line, without its ending.
  explicit line_buffer(std::size_t limit) : limit_(limit) {}

  void append(std::string_view text) { pending_ += text; }

  /// The next complete line, if there is one. Otherwise, at most limit + 1 octets are kept.
  [[nodiscard]] std::optional<line> next();

  /// The text after the last line ending: the last line of a stream that ended without one.
  [[nodiscard]] std::optional<line> rest();

  /// Drops the incomplete line and skips the rest of it when it arrives.
  void skip_line() noexcept;
  [[nodiscard]] bool is_skipping() const noexcept { return skipping_; }

  /// Octets kept of the incomplete line; skipped ones do not count.
  [[nodiscard]] std::size_t held() const noexcept { return pending_.size() - start_; }

  /// True if no part of an incomplete line is kept or being skipped.
  [[nodiscard]] bool empty() const noexcept { return start_ == pending_.size() && !skipping_; }

 private:
  void compact();

  std::size_t limit_;
  std::string pending_;
  std::size_t start_ = 0;    // first octet that was not returned yet
  std::size_t scanned_ = 0;  // no LF before this position
  bool skipping_ = false;    // skip until the end of a line that was too long
};

}  // namespace netlab
