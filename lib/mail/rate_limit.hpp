// SPDX-License-Identifier: MIT
// How many messages a client may bring in how long a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace netlab::mail {

/// So many messages a client in each stretch of time, which begins with the first of them: told beforehand, and the
/// same in each run. For all sessions at once, in any thread.
class rate_limit {
 public:
  /// So many clients are remembered; beyond, those whose time began first are forgotten.
  static constexpr std::size_t max_clients = 10'000;

  /// Both above 0.
  rate_limit(std::uint64_t messages, duration per) : messages_(messages), per_(per) {}
  rate_limit(const rate_limit&) = delete;
  rate_limit& operator=(const rate_limit&) = delete;

  struct terms {
    std::uint64_t messages = 0;
    duration per{};
  };
  /// `100/1h`, `10/30s`, `5/m`; a number alone is a minute's. Fails with errc::usage.
  [[nodiscard]] static result<terms> parse(std::string_view text);

  /// One message more: whether there is room for it.
  [[nodiscard]] bool take(std::string_view client, time_point now);
  /// Nothing more is taken from it for now.
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
  std::atomic_flag busy_;  // held for a look-up; nothing waits in it
  std::map<std::string, window, std::less<>> windows_;
};

}  // namespace netlab::mail
