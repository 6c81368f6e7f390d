// SPDX-License-Identifier: MIT
// The lab's exercises, done against a lab of its own in this process, and explained.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "lab/narrator.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

inline constexpr int tour_chapters = 3;

/// Every chapter, or only the one of this number (1 to tour_chapters). Says whether every observation held; fails where
/// the lab itself cannot be set up (no loopback, no descriptors), or when cancelled. Only loopback addresses and free
/// ports are used.
[[nodiscard]] asio::awaitable<result<bool>> tour(narrator& tell, std::optional<int> only = std::nullopt);

}  // namespace netlab::lab
