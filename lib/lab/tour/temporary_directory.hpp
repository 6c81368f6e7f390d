// SPDX-License-Identifier: MIT
// A directory for as long as an object lives.
#pragma once

#include <string>

#include "base/result.hpp"

namespace netlab::lab {

class temporary_directory {
 public:
  /// Below $TMPDIR or /tmp, for the owner alone. Fails with errc::cannot_create.
  [[nodiscard]] static result<temporary_directory> make();
  /// With everything in it.
  ~temporary_directory();
  temporary_directory(temporary_directory&& other) noexcept;
  temporary_directory& operator=(temporary_directory&& other) noexcept;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit temporary_directory(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: moved away
};

}  // namespace netlab::lab
