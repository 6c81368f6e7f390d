// SPDX-License-Identifier: MIT
// Detects whether a file changes while it is being read.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>

namespace netlab::net {

/// A file's size and modification time. One of them differs after every later change of the content. The clock of file
/// systems advances in ticks of up to 10 ms; if a file was changed in the current tick, take() waits for the next,
/// because another change within the same tick would not be visible.
class file_stamp {
 public:
  /// Takes the stamp of an open file; on failure, errno has the reason.
  [[nodiscard]] static std::optional<file_stamp> take(int descriptor);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  friend bool operator==(const file_stamp&, const file_stamp&) = default;

 private:
  explicit file_stamp(const struct stat& of) noexcept;

  std::uint64_t size_;  // octets
  std::int64_t seconds_;
  std::int64_t nanoseconds_;
};

}  // namespace netlab::net
