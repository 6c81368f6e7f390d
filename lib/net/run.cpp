// SPDX-License-Identifier: MIT
#include "net/run.hpp"

#include <unistd.h>

namespace netlab::net {

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
    if (!first_) ::_exit(128 + signal);
    std::exchange(first_, nullptr)(signal);
    wait();
  });
}

}  // namespace netlab::net
