// SPDX-License-Identifier: MIT
// A directory that exists as long as an object.
#pragma once

#include <string>

#include "base/result.hpp"

namespace netlab::lab {

class temporary_directory {
 public:
  /// Created in $TMPDIR or /tmp, for the owner only. Fails with errc::cannot_create.
  [[nodiscard]] static result<temporary_directory> make();
  /// Removes the directory with everything in it.
  ~temporary_directory();
  temporary_directory(temporary_directory&& other) noexcept;
  temporary_directory& operator=(temporary_directory&& other) noexcept;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit temporary_directory(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: moved from
};

}  // namespace netlab::lab
