// SPDX-License-Identifier: MIT
#include "trace/io/tracer.hpp"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"
#include "trace/io/socket_query.hpp"
#include "trace/io/wall_clock.hpp"

namespace netlab::trace {
namespace {

constexpr int stop_of_call = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

struct thread_origin {
  process_id process = 0;
  process_id parent = 0;  // of the process; 0: unknown
};

thread_origin find_origin(process_id thread) {
  thread_origin found{thread, 0};
  std::ifstream file(fmt::format("/proc/{}/status", thread));
  for (std::string line; std::getline(file, line);) {
    const auto number = [&](std::string_view name) {
      return parse_integer<process_id>(trim(std::string_view(line).substr(name.size())));
    };
    if (line.starts_with("Tgid:")) found.process = number("Tgid:").value_or(thread);
    if (!line.starts_with("PPid:")) continue;
    found.parent = number("PPid:").value_or(0);
    break;
  }
  return found;
}

std::vector<std::string> read_command_line(process_id id) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", id), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words;
  for (const std::string_view each : split(text, '\0')) words.emplace_back(each);
  if (!words.empty() && words.back().empty()) words.pop_back();
  return words;
}

bool is_stop_signal(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/// waitpid() has no timeout: interrupt it by a timer.
void start_ticking() {
  struct sigaction nothing{};
  nothing.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &nothing, nullptr);
  const auto interval = std::chrono::microseconds(tracer::tick_interval).count();
  const timeval every{0, static_cast<suseconds_t>(interval)};
  const itimerval timer{every, every};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

sigset_t signals_for_us() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2}) ::sigaddset(&set, number);
  return set;
}

}  // namespace

tracer::tracer(spawned program, tracer_events events, bool wait_for_all)
    : root_(program.process), program_(std::move(program)), events_(std::move(events)), waits_for_all_(wait_for_all) {}

result<ending> tracer::run() {
  // The terminal sends Ctrl-C and Ctrl-Z to the program, too; our own signals are handled at each tick.
  const sigset_t ours = signals_for_us();
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  last_activity_ = last_tick_ = read_wall_clock();
  add_thread(root_, root_, 0);
  start_ticking();
  program_.start = net::unique_fd();
  while (!threads_.empty()) {
    int status = 0;
    const pid_t id = ::waitpid(-1, &status, __WALL);
    if (id < 0 && errno == ECHILD) break;
    const wall_time now = read_wall_clock();
    events_.hold(now);
    if (id > 0) handle(id, status);
    if (id < 0 || now - last_tick_ >= tick_interval) tick();
    events_.release();
  }
  const itimerval none{};
  ::setitimer(ITIMER_REAL, &none, nullptr);
  int number = 0;
  if (!is_running_ && ::read(program_.failed.get(), &number, sizeof number) == sizeof number) {
    if (number > 0) return fail(std::error_code(number, std::system_category()), "start the program");
    return unexpected(failure{make_error_code(errc::not_permitted), "start the trace",
                              fmt::format("seccomp filters are forbidden here: {}",
                                          message_of(std::error_code(-number, std::system_category()))),
                              "in a container: a seccomp profile that lets seccomp through"});
  }
  return ended_.value_or(ending{});
}

void tracer::tick() {
  const wall_time now = read_wall_clock();
  last_tick_ = now;
  take_signals();
  // A connect() that is waiting has a local address already; it allows its packets to be linked.
  for (auto& [id, of] : threads_) {
    if (of.which == nullptr || of.current.kind != call_kind::connect) continue;
    if (const auto facts = query(of, of.current.fd)) events_.learned(*facts, of.process, now);
  }
  for (auto& [id, each] : processes_)
    if (each.has_io_uring) learn_sockets(id, each, now);
  events_.tick();
  if (!ended_ || threads_.empty()) return;
  if (!asked_to_end_ && !waits_for_all_ && now - last_activity_ >= quiet_time) {
    events_.noted(fmt::format(
        "the program has ended; {} of its descendants made no call for a second and were ended with SIGTERM",
        processes_.size()));
    end_the_rest(SIGTERM);
  } else if (asked_to_end_ && !has_killed_ && now - *asked_to_end_ >= grace) {
    has_killed_ = true;
    end_the_rest(SIGKILL);
  }
}

void tracer::end_the_rest(int signal) {
  if (!asked_to_end_) asked_to_end_ = read_wall_clock();
  for (const auto& [id, each] : processes_) ::kill(id, signal);
}

void tracer::take_signals() {
  const sigset_t ours = signals_for_us();
  constexpr timespec no_wait{};
  siginfo_t info{};
  for (int number = ::sigtimedwait(&ours, &info, &no_wait); number > 0;
       number = ::sigtimedwait(&ours, &info, &no_wait)) {
    const bool ends = number != SIGTSTP && number != SIGUSR1 && number != SIGUSR2;
    if (ended_) {
      if (ends) end_the_rest(asked_to_end_ ? SIGKILL : SIGTERM);
    } else if (info.si_code != SI_KERNEL) {
      // Sent by a process to us only; the terminal signals the program, too.
      has_passed_on_stop_ = has_passed_on_stop_ || number == SIGTSTP;
      ::kill(root_, number);
    }
  }
}

void tracer::resume(process_id id, int signal) { ::ptrace(PTRACE_CONT, id, 0, signal); }
void tracer::resume_until_return(process_id id) { ::ptrace(PTRACE_SYSCALL, id, 0, 0); }

void tracer::add_thread(process_id id, process_id of, process_id parent) {
  const auto [at, is_new] = threads_.try_emplace(id);
  if (!is_new) return;
  at->second.id = id;
  at->second.process = of;
  const auto [process_at, is_new_process] = processes_.try_emplace(of);
  ++process_at->second.threads;
  if (!is_new_process) return;
  process_at->second.parent = parent;
  if (const auto forked = processes_.find(parent); forked != processes_.end())
    process_at->second.is_python = forked->second.is_python;
  process_at->second.handle = open_process(of);
  if (is_running_) report_start(of, parent);
}

void tracer::report_start(process_id id, process_id parent) { events_.started({id, parent, read_command_line(id)}); }

void tracer::handle(process_id id, int status) {
  if (WIFEXITED(status) || WIFSIGNALED(status)) return handle_end(id, status);
  if (!WIFSTOPPED(status)) return;
  // A new process may stop before its parent's event arrives.
  if (!threads_.contains(id)) {
    const thread_origin from = find_origin(id);
    add_thread(id, from.process, from.parent);
  }
  thread& of = threads_.at(id);
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (signal == stop_of_call)
    handle_return(id, of);
  else if (event != 0)
    handle_event(id, of, event, signal);
  else
    resume(id, signal);  // a signal for the program
}

void tracer::handle_event(process_id id, thread& of, int event, int signal) {
  switch (event) {
    case PTRACE_EVENT_SECCOMP: return handle_entry(id, of);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: {
      unsigned long child = 0;
      if (::ptrace(PTRACE_GETEVENTMSG, id, 0, &child) == 0) {
        const auto made = static_cast<process_id>(child);
        const bool is_thread = event == PTRACE_EVENT_CLONE && find_origin(made).process == of.process;
        add_thread(made, is_thread ? of.process : made, of.process);
      }
      return resume(id);
    }
    case PTRACE_EVENT_EXEC: handle_exec(id, of); return resume(id);
    case PTRACE_EVENT_EXIT: handle_exit(id, of); return resume(id);
    case PTRACE_EVENT_STOP:
      // Stopped by job control until SIGCONT: stop this process, too, for the shell that waits for us.
      if (is_stop_signal(signal)) {
        ::ptrace(PTRACE_LISTEN, id, 0, 0);
        if (id == root_ && signal != SIGSTOP) {
          ::raise(SIGSTOP);
          // SIGTSTP was sent to us only, and so was SIGCONT.
          if (std::exchange(has_passed_on_stop_, false)) ::kill(root_, SIGCONT);
        }
        return;
      }
      return resume(id);
    default: return resume(id);
  }
}

void tracer::handle_exec(process_id id, thread& of) {
  // The thread that calls exec() becomes the main thread, the others are gone; close-on-exec descriptors are closed.
  const process_id of_process = of.process;
  unsigned long former = 0;  // the thread that called it
  ::ptrace(PTRACE_GETEVENTMSG, id, 0, &former);
  if (const auto by = threads_.find(static_cast<process_id>(former));
      by != threads_.end() && by->second.which != nullptr && by->second.which->shape == call_shape::execute)
    leave(by->second, 0);
  std::erase_if(threads_, [&](const auto& each) { return each.second.process == of_process && each.first != id; });
  process& changed = processes_[of_process];
  changed.threads = 1;
  changed.exiting_threads = 0;
  of.is_exiting = false;
  const auto is_closed = [&](const auto& each) { return !is_open(id, each.first); };
  std::erase_if(changed.descriptors, is_closed);
  std::erase_if(changed.epolls, is_closed);
  changed.reported_lines.clear();
  of.line_buffer = 0;
  of.reported.clear();
  of.which = nullptr;
  const bool is_first = !is_running_;
  is_running_ = true;
  report_start(of_process, is_first ? 0 : changed.parent);
  const std::string exe = fmt::format("/proc/{}/exe", of_process);
  std::error_code unknown;
  changed.is_python = std::filesystem::read_symlink(exe, unknown).filename().native().starts_with("python");
  natives_.forget(of_process);
  struct stat file{};
  if (::stat(exe.c_str(), &file) != 0) return;
  const bool gains = ((file.st_mode & S_ISUID) != 0 && file.st_uid != ::geteuid()) ||
                     ((file.st_mode & S_ISGID) != 0 && file.st_gid != ::getegid());
  const bool has_capabilities = ::getxattr(exe.c_str(), "security.capability", nullptr, 0) > 0;
  if ((gains || has_capabilities) && ::geteuid() != 0)
    events_.noted(fmt::format("process {} {}, and does not get that privilege under a tracer (trace it as root)",
                              of_process, gains ? "is set-uid or set-gid" : "has file capabilities"));
}

void tracer::handle_exit(process_id id, thread& of) {
  process& whose = processes_[of.process];
  of.is_exiting = true;
  // The sockets are closed when the last thread ends.
  if (++whose.exiting_threads < whose.threads) return;
  if (whose.has_io_uring) learn_sockets(of.process, whose, read_wall_clock());
  call last{.process = of.process, .thread = id, .name = "exit", .kind = call_kind::exit, .entered = read_wall_clock()};
  for (const auto& [fd, each] : whose.descriptors)
    if (each.socket != 0) last.ready.push_back(each.socket);
  if (last.ready.empty()) return;
  last.id = events_.entered(last, {});
  last.returned = last.entered;
  events_.left(std::move(last), {});
}

void tracer::handle_end(process_id id, int status) {
  if (id == root_) ended_ = WIFSIGNALED(status) ? ending{true, WTERMSIG(status)} : ending{false, WEXITSTATUS(status)};
  const auto at = threads_.find(id);
  if (at == threads_.end()) return;
  const auto whose = processes_.find(at->second.process);
  const bool was_exiting = at->second.is_exiting;
  threads_.erase(at);
  if (whose != processes_.end()) {
    if (was_exiting) --whose->second.exiting_threads;
    if (--whose->second.threads == 0) {
      natives_.forget(whose->first);
      processes_.erase(whose);
    }
  }
  last_activity_ = read_wall_clock();
}

}  // namespace netlab::trace
