// SPDX-License-Identifier: MIT
// Exercise 1 of the lab: the calculation server and its client.
#pragma once

#include "base/result.hpp"
#include "lab/narrator.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

[[nodiscard]] asio::awaitable<result<void>> calc_chapter(narrator& tell);

}  // namespace netlab::lab
