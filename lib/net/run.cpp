// SPDX-License-Identifier: MIT
#include "net/run.hpp"

#include <unistd.h>

namespace netlab::net {
namespace {

// timeout(1) signals its child, and then the group that the child is in: that is one wish, told twice.
constexpr auto echo_time = std::chrono::milliseconds(100);

}  // namespace

stop_signals::stop_signals(asio::io_context& on, std::function<void(int)> first)
    : signals_(on, SIGINT, SIGTERM), first_(std::move(first)) {
  wait();
}

void stop_signals::cancel() {
  std::error_code ignored;
  signals_.cancel(ignored);
}

void stop_signals::wait() {
  signals_.async_wait([this](std::error_code error, int signal) {
    if (error) return;
    const time_point now = clock::now();
    if (first_) {
      first_at_ = now;
      std::exchange(first_, nullptr)(signal);
    } else if (now - first_at_ >= echo_time) {
      ::_exit(128 + signal);
    }
    wait();
  });
}

}  // namespace netlab::net
