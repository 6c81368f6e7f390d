// SPDX-License-Identifier: MIT
#include "lab/tour/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace netlab::lab {
namespace {

constexpr auto grace = std::chrono::seconds(3);  // after SIGTERM
constexpr auto interval = std::chrono::milliseconds(5);

struct pipe_pair {
  net::unique_fd reader;
  net::unique_fd writer;
};

result<pipe_pair> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(last_system_error(), "make a pipe");
  return pipe_pair{net::unique_fd(ends[0]), net::unique_fd(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Blocks all signals around fork(). The child inherits Asio's signal handlers, which write to a pipe that it shares
/// with us: a signal sent to the child would reach our signal_set.
class blocked_signals {
 public:
  blocked_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;

  /// In the child: restores default actions and the mask. Ignored signals stay ignored (nohup).
  void release_child() const noexcept {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction now{};
      if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;
      now = {};
      now.sa_handler = SIG_DFL;
      ::sigaction(number, &now, nullptr);
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_{};
};

/// Runs after fork() in a process with threads, so it makes only system calls.
[[noreturn]] void become(const char* path, char* const* words, char* const* environment, int out, int err, int failed,
                         pid_t parent, const blocked_signals& blocked) noexcept {
  blocked.release_child();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
#ifdef SYS_close_range
  // Asio's sockets have no close-on-exec flag.
  constexpr unsigned close_on_exec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, of Linux 5.11
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, close_on_exec);
#endif
  ::execve(path, words, environment);
  const int number = errno;
  if (::write(failed, &number, sizeof number) < 0) ::_exit(126);
  ::_exit(127);
}

}  // namespace

result<child_process> child_process::start(const std::string& path, std::vector<std::string> words,
                                           std::vector<std::string> environment) {
  auto out = make_pipe();
  auto err = make_pipe();
  auto failed = make_pipe();
  if (!out) return unexpected(out.error());
  if (!err) return unexpected(err.error());
  if (!failed) return unexpected(failed.error());
  for (const pipe_pair* each : {&*out, &*err}) ::fcntl(each->reader.get(), F_SETFL, O_NONBLOCK);
  const std::vector<char*> argv = pointers_to(words);
  const std::vector<char*> envp = pointers_to(environment);
  const pid_t parent = ::getpid();
  child_process made;
  {
    const blocked_signals blocked;
    made.process_ = ::fork();
    if (made.process_ == 0)
      become(path.c_str(), argv.data(), envp.data(), out->writer.get(), err->writer.get(), failed->writer.get(), parent,
             blocked);
  }
  if (made.process_ < 0) return fail(last_system_error(), "start " + path);
  made.out_reader_ = std::move(out->reader);
  made.err_reader_ = std::move(err->reader);
  failed->writer = net::unique_fd();
  int number = 0;
  if (::read(failed->reader.get(), &number, sizeof number) == sizeof number) {
    made.reap(0);
    return fail(std::error_code(number, std::system_category()), "start " + path);
  }
  return made;
}

child_process::child_process(child_process&& other) noexcept { *this = std::move(other); }

child_process& child_process::operator=(child_process&& other) noexcept {
  std::swap(process_, other.process_);
  std::swap(status_, other.status_);
  std::swap(out_reader_, other.out_reader_);
  std::swap(err_reader_, other.err_reader_);
  std::swap(out_, other.out_);
  std::swap(err_, other.err_);
  return *this;
}

child_process::~child_process() {
  if (process_ < 0) return;
  ::kill(process_, SIGTERM);
  for (auto left = grace / interval; left > 0 && process_ >= 0; --left) {
    static_cast<void>(poll());  // the child may be waiting for room in a pipe
    if (process_ >= 0) ::usleep(std::chrono::microseconds(interval).count());
  }
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  reap(0);
}

std::optional<int> child_process::poll() {
  const bool has_ended = reap(WNOHANG);  // before reading, so that no output is missed
  take(out_reader_, out_);
  take(err_reader_, err_);
  return has_ended ? std::optional(status_) : std::nullopt;
}

bool child_process::reap(int flags) {
  while (process_ >= 0) {
    const pid_t ended = ::waitpid(process_, &status_, flags);
    if (ended == 0) return false;
    if (ended > 0 || errno != EINTR) process_ = -1;
  }
  return true;
}

void child_process::take(const net::unique_fd& from, std::string& to) {
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t size = ::read(from.get(), piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    const std::size_t room = max_output - to.size();
    to.append(piece.data(), std::min(room, static_cast<std::size_t>(size)));
  }
}

}  // namespace netlab::lab
