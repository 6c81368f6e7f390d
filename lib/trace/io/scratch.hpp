// SPDX-License-Identifier: MIT
// Temporary files for the traced program, removed when the trace ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace netlab::trace {

/// A private directory in $TMPDIR or /tmp, readable only by this user. The destructor removes it with its content.
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

/// Reads the TLS secrets that the program writes to the file named by SSLKEYLOGFILE.
class key_log {
 public:
  /// The file may exist already; its present content is skipped.
  explicit key_log(std::filesystem::path path);
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The whole lines added since the last call.
  [[nodiscard]] std::string take();

 private:
  std::filesystem::path path_;
  std::uintmax_t read_ = 0;
};

}  // namespace netlab::trace
