// SPDX-License-Identifier: MIT
// Limits how many messages each client may send in a period.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace netlab::mail {

/// Fixed-window rate limit per client; a window begins with its first message. Deterministic. Shared by all sessions,
/// thread-safe.
class rate_limit {
 public:
  /// Clients remembered; beyond that, the oldest windows are dropped.
  static constexpr std::size_t max_clients = 10'000;

  /// Both must be above 0.
  rate_limit(std::uint64_t messages, duration per) : messages_(messages), per_(per) {}
  rate_limit(const rate_limit&) = delete;
  rate_limit& operator=(const rate_limit&) = delete;

  struct terms {
    std::uint64_t messages = 0;
    duration per{};
  };
  /// `100/1h`, `10/30s`, `5/m`; a number alone is per minute. Fails with errc::usage.
  [[nodiscard]] static result<terms> parse(std::string_view text);

  /// Counts one message; false if the limit is reached.
  [[nodiscard]] bool take(std::string_view client, time_point now);
  /// True if the client has used up its current window.
  [[nodiscard]] bool is_exhausted(std::string_view client, time_point now);

 private:
  struct window {
    time_point began{};
    std::uint64_t taken = 0;
  };
  class guard;
  void make_room(time_point now);

  std::uint64_t messages_;
  duration per_;
  std::atomic_flag busy_;  // a spin lock, held only for a look-up
  std::map<std::string, window, std::less<>> windows_;
};

}  // namespace netlab::mail
