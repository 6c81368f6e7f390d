// SPDX-License-Identifier: MIT
// What a stateless scan needs to continue after its process was killed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::scan {

/// Places are those of the shard (`shard::local()`). A place before `next` that is in none of the parts is finished:
/// its port has been reported.
struct stateless_checkpoint {
  /// Places that are waiting for answers or for another attempt.
  struct part {
    std::uint64_t first = 0;
    std::uint32_t size = 0;
    unsigned attempts = 1;                ///< started
    std::uint32_t expired = 0;  ///< the last attempt at the first `expired` places has timed out and is not repeated
    std::vector<std::uint64_t> finished;  ///< bit n: the port of place first + n has been reported
    friend bool operator==(const part&, const part&) = default;
  };

  std::uint64_t next = 0;  ///< the first place that was never probed
  std::vector<part> parts;  ///< ascending
  friend bool operator==(const stateless_checkpoint&, const stateless_checkpoint&) = default;
};

/// One line of printable ASCII, without a line end.
[[nodiscard]] std::string to_text(const stateless_checkpoint& of);

/// Fails with errc::bad_data.
[[nodiscard]] result<stateless_checkpoint> parse_stateless_checkpoint(std::string_view text);

}  // namespace netlab::scan
