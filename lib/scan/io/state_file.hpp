// SPDX-License-Identifier: MIT
// A small file that one process owns, and replaces as a whole, so that after any crash it is either the old one or the
// new one.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "base/result.hpp"
#include "net/fd.hpp"

namespace netlab::scan {

class state_file {
 public:
  /// Opens and locks the file; creates it, empty, if it is missing. Fails with errc::try_later if another process has
  /// it, errc::cannot_create if it cannot be opened for writing or is not a regular file, errc::no_input if it cannot
  /// be read.
  [[nodiscard]] static result<state_file> open(const std::string& name);

  /// What it contained when it was opened.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// Writes another file beside it, `NAME.tmp`, to the disk, and gives it this name. On failure the old file stays.
  [[nodiscard]] std::error_code replace(std::string_view text);

 private:
  std::string name_;
  std::string text_;
  net::unique_fd fd_;  // holds the lock
};

}  // namespace netlab::scan
