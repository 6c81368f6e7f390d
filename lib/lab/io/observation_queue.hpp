// SPDX-License-Identifier: MIT
// Between the services' threads and the journal's: a bounded queue, so that no peer can fill the memory or slow down a
// service.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "lab/journal/observation.hpp"

namespace netlab::lab {

/// May be used from any thread. What exceeds a limit is dropped and counted.
class observation_queue {
 public:
  static constexpr std::size_t most_waiting = 50'000;
  static constexpr std::size_t most_octets = 32 * 1024 * 1024;
  /// Of one address: a person's programs, a scan of 50 ports and a small load test. More would hide what others do.
  static constexpr double per_second = 300;
  static constexpr double burst = 2'000;
  static constexpr std::size_t most_addresses = 4'096;

  /// Identifies a connection.
  [[nodiscard]] std::uint64_t next_connection() noexcept { return last_connection_.fetch_add(1) + 1; }

  /// False if it was dropped. The end of a connection is always taken: only a connection that was taken has one.
  bool push(observation seen) noexcept;
  /// True if this address may report now: ask before an observation is built at all. Counts a drop.
  [[nodiscard]] bool may_report(const std::string& address) noexcept;

  struct taken {
    std::vector<observation> all;
    std::uint64_t dropped = 0;  ///< since the last call
  };
  [[nodiscard]] taken take();

 private:
  std::atomic<std::uint64_t> last_connection_{0};
  std::mutex mutex_;
  std::vector<observation> waiting_;
  std::size_t octets_ = 0;
  std::uint64_t dropped_ = 0;
  std::unordered_map<std::string, token_bucket> rates_;
};

/// The time of day, in milliseconds.
[[nodiscard]] wall_time wall_now();

}  // namespace netlab::lab
