// SPDX-License-Identifier: MIT
#include "serve/workers.hpp"

#include <sched.h>

#include <algorithm>
#include <utility>

#include <asio/executor_work_guard.hpp>

#include "net/signals_blocked.hpp"

namespace netlab::serve {
namespace {

unsigned usable_cores() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

workers::workers(unsigned count) {
  if (count == 0) count = usable_cores();
  for (unsigned index = 0; index < count; ++index) all_.push_back(std::make_unique<worker>());
}

workers::~workers() { stop(); }

void workers::occupy(unsigned index, std::function<void()> run, std::function<void()> interrupt) {
  all_[index]->run = std::move(run);
  all_[index]->interrupt = std::move(interrupt);
}

void workers::create_threads(std::function<void()> failed) {
  const net::signals_blocked until_they_are_started;
  try {
    for (const auto& each : all_)
      each->thread = std::thread([this, &one = *each, failed] {
        phase_.wait(phase::waiting);
        if (phase_ != phase::running) return;
        try {
          if (one.run)
            one.run();
          else
            one.context.run();
        } catch (...) {
          one.thrown = std::current_exception();
          if (failed) failed();
        }
      });
  } catch (...) {
    // Those that exist wait for a start() that will not come.
    stop();
    throw;
  }
}

void workers::start() {
  if (!all_.front()->thread.joinable()) create_threads();
  phase_ = phase::running;
  phase_.notify_all();
}

void workers::join() {
  stop();
  for (const auto& each : all_)
    if (each->thrown) std::rethrow_exception(std::exchange(each->thrown, nullptr));
}

void workers::stop() noexcept {
  phase_ = phase::stopping;
  phase_.notify_all();
  for (const auto& each : all_) {
    each->context.stop();
    if (each->interrupt && each->thread.joinable()) each->interrupt();
  }
  for (const auto& each : all_) {
    if (each->thread.joinable()) each->thread.join();
    each->run = each->interrupt = nullptr;
  }
  phase_ = phase::waiting;
}

}  // namespace netlab::serve
