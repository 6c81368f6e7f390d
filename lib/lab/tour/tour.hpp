// SPDX-License-Identifier: MIT
// The lab's exercises, done and explained with servers in this process.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "lab/tour/step.hpp"

namespace netlab::lab {

inline constexpr int tour_chapters = 3;

/// The chapters in order.
[[nodiscard]] std::span<const chapter> chapters() noexcept;

struct tour_outcome {
  bool all_held = true;    ///< every observation was as expected
  bool to_the_end = true;  ///< the reader did not stop it
};

/// Plays every chapter, or only chapter `only` (1 to tour_chapters). Fails if the lab itself cannot be set up (no
/// loopback, no descriptors), or when cancelled. Uses only loopback addresses and free ports. `netlab` is the program's
/// file, which records packets; empty: the tour does without recordings.
[[nodiscard]] asio::awaitable<result<tour_outcome>> tour(narrator& tell, std::optional<int> only = std::nullopt,
                                                         std::string netlab = {});

}  // namespace netlab::lab
