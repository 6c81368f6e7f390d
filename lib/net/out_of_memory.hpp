// SPDX-License-Identifier: MIT
// How a server survives without memory: it drops the session that it cannot serve, and continues.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace netlab::net {

/// Runs a step that a server cannot do without (accepting again, waking a session). Retries for about a second, which
/// blocks this thread, then rethrows std::bad_alloc.
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

/// Runs a step that may be skipped. Returns false if there was no memory for it.
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
