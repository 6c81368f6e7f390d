// SPDX-License-Identifier: MIT
// Exercise 2 of the lab: the port scan.
#pragma once

#include "base/result.hpp"
#include "lab/narrator.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

[[nodiscard]] asio::awaitable<result<void>> scan_chapter(narrator& tell);

}  // namespace netlab::lab
