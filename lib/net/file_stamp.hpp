// SPDX-License-Identifier: MIT
// Whether a file that is being read has changed meanwhile.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>

namespace netlab::net {

/// A file's size and the time of its last change, of which one differs after every later change of its content. The
/// clock of a file system goes in ticks of up to 10 ms; for a file that was changed in the present tick, take() waits
/// until the next, because a change within the same tick would leave no trace.
class file_stamp {
 public:
  /// Of an open file; nothing (and errno) where the system does not tell.
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
