// SPDX-License-Identifier: MIT
// A directory for the files of a test, and what a file has.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace netlab::test {

/// A new directory, removed with everything in it.
class scratch_directory {
 public:
  scratch_directory() {
    std::string made = (std::filesystem::temp_directory_path() / "netlab-test-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = made;
  }
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  [[nodiscard]] std::string path_of(std::string_view name) const { return (path_ / name).string(); }
  /// Creates a file with this text and returns its path.
  [[nodiscard]] std::string file(std::string_view name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    std::filesystem::permissions(path_ / name,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path_of(name);
  }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] inline std::string content_of(const std::string& file) {
  std::ifstream from(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(from), {}};
}

/// The permissions of a file or a directory, such as 0600.
[[nodiscard]] inline mode_t mode_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) throw std::system_error(errno, std::system_category(), path);
  return found.st_mode & 0777;
}

}  // namespace netlab::test
