// SPDX-License-Identifier: MIT
// A stream of octets cut into lines, with a limit on the length of one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace netlab {

class line_buffer {
 public:
  struct line {
    std::string_view text;  ///< without its ending; valid until the next call
    bool has_cr = false;    ///< ended in CR LF, not in a lone LF
    bool too_long = false;  ///< reported once, as soon as the limit is passed; the rest is skipped
  };

  /// A line may have `limit` octets before its ending.
  explicit line_buffer(std::size_t limit) : limit_(limit) {}

  void append(std::string_view text) { pending_ += text; }

  /// The next whole line, if there is one. Keeps at most limit + 1 octets when there is none.
  [[nodiscard]] std::optional<line> next();

  /// What came after the last line ending: the last line of a stream that ended without one.
  [[nodiscard]] std::optional<line> rest();

  /// Gives up the unfinished line: what is held of it goes, what comes of it is skipped.
  void skip_line() noexcept;
  [[nodiscard]] bool is_skipping() const noexcept { return skipping_; }

  /// Octets of the unfinished line that are held; those being skipped are not.
  [[nodiscard]] std::size_t held() const noexcept { return pending_.size() - start_; }

  /// No octets of an unfinished line are held or being skipped.
  [[nodiscard]] bool empty() const noexcept { return start_ == pending_.size() && !skipping_; }

 private:
  void compact();

  std::size_t limit_;
  std::string pending_;
  std::size_t start_ = 0;    // of what was not handed out
  std::size_t scanned_ = 0;  // no LF before this
  bool skipping_ = false;    // the end of a line that was too long is still to come
};

}  // namespace netlab
