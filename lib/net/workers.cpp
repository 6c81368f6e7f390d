// SPDX-License-Identifier: MIT
#include "net/workers.hpp"

#include <sched.h>

#include <algorithm>
#include <csignal>

#include <asio/executor_work_guard.hpp>

namespace netlab::net {
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

workers::~workers() { stop_all(); }

void workers::start(std::function<void()> failed) {
  sigset_t all_signals;
  sigset_t before;
  sigfillset(&all_signals);
  pthread_sigmask(SIG_BLOCK, &all_signals, &before);
  for (const auto& each : all_)
    each->thread = std::thread([&one = *each, failed] {
      try {
        one.context.run();
      } catch (...) {
        one.thrown = std::current_exception();
        if (failed) failed();
      }
    });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void workers::join() {
  stop_all();
  for (const auto& each : all_)
    if (each->thrown) std::rethrow_exception(std::exchange(each->thrown, nullptr));
}

void workers::stop_all() noexcept {
  for (const auto& each : all_) each->context.stop();
  for (const auto& each : all_)
    if (each->thread.joinable()) each->thread.join();
}

}  // namespace netlab::net
