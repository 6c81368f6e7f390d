// SPDX-License-Identifier: MIT
// Blocks the signals that stop a scan or ask for its status, until its event loops read them.
#pragma once

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "net/fd.hpp"

namespace netlab::scan {

/// While it exists, SIGINT, SIGTERM and SIGUSR1 only make a descriptor readable (signalfd(2)): one that comes between
/// two loops waits for the second one. The destructor restores their effect and discards pending ones: timeout(1)
/// signals the process and its group, so a signal may come twice.
class held_signals {
 public:
  held_signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int each : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&wanted, each);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    fd_ = net::unique_fd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd_) error_ = errno;
  }
  ~held_signals() {
    while (fd_ && take() != 0) {}
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  held_signals(const held_signals&) = delete;
  held_signals& operator=(const held_signals&) = delete;

  /// Negative: the system has none, and error() says why.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// As errno(3).
  [[nodiscard]] int error() const noexcept { return error_; }
  /// The next signal; 0: none.
  [[nodiscard]] int take() const noexcept {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  net::unique_fd fd_;
  int error_ = 0;
};

}  // namespace netlab::scan
