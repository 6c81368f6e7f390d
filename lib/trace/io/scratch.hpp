// SPDX-License-Identifier: MIT
// Files that the traced program needs and that go when the trace ends.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace netlab::trace {

/// A directory of our own in $TMPDIR or /tmp, readable by this user alone. Removed with all that is in it.
class scratch_directory {
 public:
  [[nodiscard]] static result<scratch_directory> make();
  scratch_directory(scratch_directory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  scratch_directory& operator=(scratch_directory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~scratch_directory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  scratch_directory() = default;
  std::filesystem::path path_;
};

/// TLS secrets that the program writes where SSLKEYLOGFILE says.
class key_log {
 public:
  /// Of a file that may be there already: what is in it now is not the program's.
  explicit key_log(std::filesystem::path path);
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Whole lines that have come since.
  [[nodiscard]] std::string take();

 private:
  std::filesystem::path path_;
  std::uintmax_t read_ = 0;
};

}  // namespace netlab::trace
