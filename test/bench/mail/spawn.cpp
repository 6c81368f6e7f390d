// SPDX-License-Identifier: MIT
// spawn COMMAND...: runs the command once and prints its cost: wall clock, user and system time in microseconds, peak
// memory in KiB, exit status. This is a separate program, because a child process starts with its parent's peak memory.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  const auto before = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(nowhere, 1);
    ::execvp(argv[1], argv + 1);
    std::perror(argv[1]);
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || ::wait4(child, &status, 0, &used) != child) return 71;
  const auto wall = std::chrono::steady_clock::now() - before;
  const auto microseconds = [](const timeval& time) {
    return static_cast<long long>(time.tv_sec) * 1'000'000 + time.tv_usec;
  };
  std::printf("%lld %lld %lld %ld %d\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count()),
              microseconds(used.ru_utime), microseconds(used.ru_stime), used.ru_maxrss,
              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
