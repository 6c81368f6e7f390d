// SPDX-License-Identifier: MIT
#include "net/signals.hpp"

#include <unistd.h>

#include <utility>

namespace netlab::net {
namespace {

volatile std::sig_atomic_t stop_signal = 0;
void (*hand_to_loop)(int) = nullptr;  // Asio's handler, the same for all signals

extern "C" void note_stop(int signal) {
  stop_signal = signal;
  hand_to_loop(signal);
}

// Installs note_stop() in front of Asio's handler. Asio restores the default action when it removes its own.
void note_in_front(int signal) {
  struct sigaction action{};
  if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == note_stop) return;
  hand_to_loop = action.sa_handler;
  action.sa_handler = note_stop;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

int waiting_stop_signal() noexcept { return stop_signal; }

stop_signals::stop_signals(asio::io_context& on, std::function<void(int)> first, std::initializer_list<int> more)
    : signals_(on, SIGINT, SIGTERM), first_(std::move(first)) {
  stop_signal = 0;
  note_in_front(SIGINT);
  note_in_front(SIGTERM);
  for (const int signal : more) {
    struct sigaction before{};
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) signals_.add(signal);
  }
  wait();
}

void end_by(int signal) noexcept {
  std::signal(signal, SIG_DFL);
  ::raise(signal);
  ::_exit(128 + signal);
}

void stop_signals::cancel() {
  cancelled_ = true;
  std::error_code ignored;
  signals_.cancel(ignored);
}

void stop_signals::wait() {
  signals_.async_wait([this](std::error_code error, int signal) {
    if (error || cancelled_) return;  // cancelled, or cancelled after a signal had arrived
    stop_signal = 0;
    if (!first_) ::_exit(128 + signal);
    std::exchange(first_, nullptr)(signal);
    wait();
  });
}

}  // namespace netlab::net
