// SPDX-License-Identifier: MIT
#include "net/file_stamp.hpp"

#include <time.h>

#include <tuple>

namespace netlab::net {
namespace {

constexpr int longest_tick = 10;  // ms: CONFIG_HZ is at least 100

// True if the file was changed in the current tick of the file system's clock.
bool is_of_this_tick(const timespec& changed) {
  timespec now{};
  if (::clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0) return false;
  return std::tie(changed.tv_sec, changed.tv_nsec) >= std::tie(now.tv_sec, now.tv_nsec);
}

}  // namespace

file_stamp::file_stamp(const struct stat& of) noexcept
    : size_(static_cast<std::uint64_t>(of.st_size)), seconds_(of.st_mtim.tv_sec), nanoseconds_(of.st_mtim.tv_nsec) {}

std::optional<file_stamp> file_stamp::take(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return std::nullopt;
  // Do not wait for a time in the future, which somebody may have set.
  for (int waited = 0; waited <= longest_tick && S_ISREG(status.st_mode) && is_of_this_tick(status.st_mtim); ++waited) {
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
    if (::fstat(descriptor, &status) != 0) return std::nullopt;
  }
  return file_stamp(status);
}

}  // namespace netlab::net
