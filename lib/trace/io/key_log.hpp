// SPDX-License-Identifier: MIT
// The TLS secrets of the traced programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace netlab::trace {

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
