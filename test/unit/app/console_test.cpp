// SPDX-License-Identifier: MIT
#include "frame/console.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <string>

#include "net/signals.hpp"

namespace netlab::app::console_test {

namespace {

// Fills a pipe that nobody reads, then writes a line to it after the signal has come, but before the loop has run.
[[noreturn]] void write_to_full_pipe(int signal) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK) != 0) ::_exit(1);
  const std::string block(4096, 'x');
  while (::write(ends[1], block.data(), block.size()) > 0) {}
  ::dup2(ends[1], STDOUT_FILENO);
  asio::io_context context;
  const net::stop_signals signals(context, [](int) {});
  ::alarm(60);
  ::raise(signal);
  console out({});
  out.line("a result");
  out.flush();
  ::_exit(2);
}

int signal_that_ends(int signal) {
  const pid_t child = ::fork();
  if (child == 0) write_to_full_pipe(signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("console: a signal that came before a write to a full pipe ends the process", "[app][unit]") {
  CHECK(signal_that_ends(SIGINT) == SIGINT);
  CHECK(signal_that_ends(SIGTERM) == SIGTERM);
}

}  // namespace netlab::app::console_test
