// SPDX-License-Identifier: MIT
#include "trace/io/spawn.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "trace/io/capture.hpp"
#include "trace/io/system_calls.hpp"

namespace netlab::trace {
namespace {

constexpr long trace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |
                               PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
                               PTRACE_O_EXITKILL;

/// The child's report before it waits: the step that failed and its errno. The packet socket comes with it, if there is
/// one: a container may forbid pidfd_getfd.
struct child_report {
  int failed_step = 0;  // 0: none
  int number = 0;  // errno
};
enum step : int { no_step, namespaces, loopback, packet_socket };

struct report_message {
  explicit report_message(child_report& report) : text{&report, sizeof report} {
    header.msg_iov = &text;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }

  iovec text;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
};

bool send_report(int to, child_report report, const net::unique_fd& packets) {
  report_message message(report);
  if (packets) {
    const int fd = packets.get();
    cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  } else {
    message.header.msg_controllen = 0;
  }
  return ::sendmsg(to, &message.header, MSG_NOSIGNAL) == sizeof report;
}

bool receive_report(int from, child_report& report, net::unique_fd& packets) {
  report_message message(report);
  if (::recvmsg(from, &message.header, MSG_CMSG_CLOEXEC) != sizeof report) return false;
  const cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) return true;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
  packets = net::unique_fd(fd);
  return true;
}

// In the child, between fork and exec.

bool write_file(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is_written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return is_written;
}

/// Enters a new network namespace; without the privilege, in a new user namespace, in which the user's identity is
/// kept.
bool enter_own_network() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWNET) != 0) {
    if (errno != EPERM || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    write_file("/proc/self/setgroups", "deny");
    if (!write_file("/proc/self/uid_map", fmt::format("{} {} 1", user, user))) return false;
    if (!write_file("/proc/self/gid_map", fmt::format("{} {} 1", group, group))) return false;
  }
  // Allow ports below 1024: no other program uses this namespace.
  write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
  return true;
}

bool bring_up_loopback() {
  const net::unique_fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

child_report prepare_network(net::unique_fd& packets) {
  if (!enter_own_network()) return {namespaces, errno};
  if (!bring_up_loopback()) return {loopback, errno};
  auto opened = open_packet_socket();
  if (!opened) return {packet_socket, opened.error().code.value()};
  packets = *std::move(opened);
  return {};
}

bool install_filter() {
  auto code = make_filter();
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  // An unprivileged program may install a filter only with no_new_privs.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

/// Whether PATH has a file of this name. True for a name with a directory.
bool is_in_path(const std::string& name) {
  if (name.contains('/')) return true;
  const char* path = std::getenv("PATH");
  for (const std::string_view directory : split(path == nullptr ? std::string_view("/bin:/usr/bin") : path, ':'))
    if (::access(fmt::format("{}/{}", directory.empty() ? "." : directory, name).c_str(), F_OK) == 0) return true;
  return false;
}

[[noreturn]] void run_child(const spawn_options& options, std::vector<char*> argv, int report, int start, int failed) {
  net::unique_fd packets;
  child_report outcome;
  if (options.own_network) outcome = prepare_network(packets);
  if (!send_report(report, outcome, packets) || outcome.failed_step != no_step) ::_exit(127);
  packets = net::unique_fd();
  char ignored = 0;
  while (::read(start, &ignored, 1) < 0 && errno == EINTR) {}
  ::signal(SIGPIPE, SIG_DFL);  // netlab itself ignores it
  if (options.output_to_stderr) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  const bool has_filter = install_filter();
  if (has_filter) ::execvp(argv.front(), argv.data());
  int number = has_filter ? errno : -errno;
  // execvp() also fails with EACCES if a directory in PATH may not be searched. A shell then reports "not found".
  if (number == EACCES && !is_in_path(argv.front())) number = ENOENT;
  if (::write(failed, &number, sizeof number) != sizeof number) ::_exit(126);
  ::_exit(number == ENOENT ? 127 : 126);
}

// In netlab's process.

struct pipe_pair {
  net::unique_fd reader;
  net::unique_fd writer;
};

result<pipe_pair> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(last_system_error(), "start the program");
  return pipe_pair{net::unique_fd(ends[0]), net::unique_fd(ends[1])};
}

result<pipe_pair> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(last_system_error(), "start the program");
  return pipe_pair{net::unique_fd(ends[0]), net::unique_fd(ends[1])};
}

/// The number in the line that begins with `name` in /proc/PID/status.
process_id read_status_number(process_id process, std::string_view name) {
  std::ifstream file(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name))
      return parse_integer<process_id>(trim(std::string_view(line).substr(name.size()))).value_or(0);
  return 0;
}

unexpected<failure> ptrace_refused(process_id process, std::error_code why) {
  if (const process_id tracer = read_status_number(process, "TracerPid:"); tracer != 0)
    return unexpected(
        failure{make_error_code(errc::not_permitted), "start the trace",
                fmt::format("netlab is already traced by process {}, and a process can have only one tracer", tracer),
                "run netlab outside that tracer"});
  std::ifstream yama("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  if (yama >> scope && scope >= 2)
    return unexpected(failure{
        make_error_code(errc::not_permitted), "start the trace",
        fmt::format("ptrace is forbidden: kernel.yama.ptrace_scope is {}", scope),
        scope == 2 ? "run netlab as root, or sysctl kernel.yama.ptrace_scope=1" : "only a reboot can change that"});
  if (why == std::errc::operation_not_permitted || why == std::errc::permission_denied ||
      why == std::errc::function_not_supported)
    return unexpected(failure{make_error_code(errc::not_permitted), "start the trace", "ptrace is forbidden here",
                              "in a container: --cap-add=SYS_PTRACE or a seccomp profile that lets ptrace through"});
  return fail(why, "start the trace");
}

unexpected<failure> network_refused(const child_report& outcome) {
  const std::error_code why(outcome.number, std::system_category());
  if (outcome.failed_step == namespaces)
    return unexpected(failure{make_error_code(errc::not_permitted), "--own-network",
                              fmt::format("cannot create a network namespace: {}", message_of(why)),
                              "user namespaces may be forbidden: sysctl kernel.unprivileged_userns_clone, "
                              "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns"});
  return fail(why, outcome.failed_step == loopback ? "--own-network: bring up the loopback interface"
                                                   : "--own-network: capture packets");
}

}  // namespace

result<spawned> spawn(const spawn_options& options) {
  auto report = make_socket_pair();
  auto start = make_pipe();
  auto failed = make_pipe();
  if (!report) return unexpected(report.error());
  if (!start) return unexpected(start.error());
  if (!failed) return unexpected(failed.error());
  std::vector<std::string> words = options.command;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) return fail(last_system_error(), "start the program");
  if (child == 0) {
    start->writer = net::unique_fd();  // otherwise the child would never read its end
    run_child(options, argv, report->writer.get(), start->reader.get(), failed->writer.get());
  }
  report->writer = net::unique_fd();
  failed->writer = net::unique_fd();
  const auto give_up = [&](unexpected<failure> why) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return why;
  };
  child_report outcome;
  net::unique_fd packets;
  if (!receive_report(report->reader.get(), outcome, packets))
    return give_up(fail(errc::internal, "the child ended before it began"));
  if (outcome.failed_step != no_step) return give_up(network_refused(outcome));
  if (::ptrace(PTRACE_SEIZE, child, 0, trace_options) != 0) return give_up(ptrace_refused(child, last_system_error()));
  return spawned{.process = child,
                 .packets = std::move(packets),
                 .start = std::move(start->writer),
                 .failed = std::move(failed->reader)};
}

}  // namespace netlab::trace
