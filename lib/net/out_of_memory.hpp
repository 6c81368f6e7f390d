// SPDX-License-Identifier: MIT
// What a server does when there is no memory: it loses the session that it cannot serve, and goes on.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace netlab::net {

/// For a step without which a server would be deaf (to accept again, to wake a session): tries again for about a second
/// in which this thread does nothing else, then lets std::bad_alloc leave.
template <class Step>
void insist(Step step) {
  constexpr int tries = 100;
  for (int left = tries;; --left) {
    try {
      return step();
    } catch (const std::bad_alloc&) {
      if (left == 0) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// For a step that can be left out. Whether it was taken.
template <class Step>
bool attempt(Step step) {
  try {
    step();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace netlab::net
