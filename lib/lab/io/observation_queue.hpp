// SPDX-License-Identifier: MIT
// A bounded queue from the services' threads to the journal's, so that no peer can exhaust memory or slow down a
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
  /// For each address: enough for a person's programs, a scan of 50 ports and a small load test. With more, one address
  /// would crowd out the others.
  static constexpr double per_second = 300;
  static constexpr double burst = 2'000;
  static constexpr std::size_t most_addresses = 4'096;

  /// A new identifier for a connection.
  [[nodiscard]] std::uint64_t next_connection() noexcept { return last_connection_.fetch_add(1) + 1; }

  /// Returns false if it was dropped. The end of a connection is never dropped, because only connections whose start
  /// was taken report one.
  bool push(observation seen) noexcept;
  /// True if this address is within its rate. Call it before building an observation. Counts a drop if not.
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
