// SPDX-License-Identifier: MIT
// A directory that exists as long as an object.
#pragma once

#include <string>

#include "base/result.hpp"

namespace netlab {

class temporary_directory {
 public:
  /// Created in $TMPDIR or /tmp, for the owner only. Also removes the directories of processes that were killed before
  /// they could remove their own. Fails with errc::cannot_create.
  [[nodiscard]] static result<temporary_directory> make();
  /// Removes the directory with everything in it.
  ~temporary_directory();
  temporary_directory(temporary_directory&& other) noexcept;
  temporary_directory& operator=(temporary_directory&& other) noexcept;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  temporary_directory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;  // empty: moved from
  int lock_ = -1;  // a file in it, locked: the kernel releases the lock even of a process that is killed
};

}  // namespace netlab
