// SPDX-License-Identifier: MIT
#include "net/run_client.hpp"

namespace netlab::net {

time_limit::time_limit(asio::io_context& on, duration most, asio::cancellation_signal& cancel)
    : timer_(on), cancel_(cancel) {
  if (most == duration(0)) return;
  timer_.expires_after(most);
  wait();
}

void time_limit::cancel() {
  cancelled_ = true;
  timer_.cancel();
}

void time_limit::wait() {
  timer_.async_wait([this](std::error_code error) {
    if (error || cancelled_) return;  // cancelled, or cancelled after it had expired
    passed_ = true;
    cancel_.emit(asio::cancellation_type::terminal);
    timer_.expires_after(repeat_interval);
    wait();
  });
}

}  // namespace netlab::net
