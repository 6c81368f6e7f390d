// SPDX-License-Identifier: MIT
// Exercise 3 of the lab: mail, its two senders, and what a receiver can tell.
#pragma once

#include "base/result.hpp"
#include "lab/narrator.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

[[nodiscard]] asio::awaitable<result<void>> mail_chapter(narrator& tell);

}  // namespace netlab::lab
