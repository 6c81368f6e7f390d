// SPDX-License-Identifier: MIT
// The lab's exercises, done against a lab of its own in this process, and explained.
#pragma once

#include <optional>
#include <span>

#include "lab/tour/step.hpp"

namespace netlab::lab {

inline constexpr int tour_chapters = 3;

/// What there is to see, in its order.
[[nodiscard]] std::span<const chapter> chapters() noexcept;

struct tour_outcome {
  bool all_held = true;    ///< every observation that was made
  bool to_the_end = true;  ///< the reader did not stop it
};

/// Every chapter, or only the one of this number (1 to tour_chapters). Fails where the lab itself cannot be set up (no
/// loopback, no descriptors), or when cancelled. Only loopback addresses and free ports are used.
[[nodiscard]] asio::awaitable<result<tour_outcome>> tour(narrator& tell, std::optional<int> only = std::nullopt);

}  // namespace netlab::lab
