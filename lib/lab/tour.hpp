// SPDX-License-Identifier: MIT
// The lab's exercises, done against a lab of its own in this process, and explained.
#pragma once

#include "base/result.hpp"
#include "lab/narrator.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

/// Every chapter there is. Says whether every observation held; fails where the lab itself cannot be set up
/// (no loopback, no descriptors), or when cancelled. Only loopback addresses and free ports are used.
[[nodiscard]] asio::awaitable<result<bool>> tour(narrator& tell);

}  // namespace netlab::lab
