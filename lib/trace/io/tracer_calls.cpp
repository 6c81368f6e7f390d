// SPDX-License-Identifier: MIT
// The tracer's part for the entry and the return of a call.
#include <linux/close_range.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.hpp"
#include "trace/io/socket_query.hpp"
#include "trace/io/tracer.hpp"
#include "trace/io/wall_clock.hpp"

namespace netlab::trace {
namespace {

constexpr std::uint64_t kind_mask = 0xf;
constexpr std::size_t max_shown_path = 100;

bool is_internet_socket(const raw_arguments& raw) {
  const auto kind = raw[1] & kind_mask;
  return (raw[0] == AF_INET || raw[0] == AF_INET6) && (kind == SOCK_STREAM || kind == SOCK_DGRAM);
}

/// The descriptors that dup2(), dup3() and close_range() close.
struct descriptor_range {
  unsigned first = 0;
  unsigned last = 0;
  [[nodiscard]] bool contains(int fd) const noexcept {
    return static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last;
  }
};

descriptor_range find_closed_range(const system_call& which, const raw_arguments& raw) {
  const bool is_range = which.shape == call_shape::close_range;
  return {static_cast<unsigned>(raw[is_range ? 0 : 1]), static_cast<unsigned>(raw[1])};
}

/// Calls that change what the kernel reports about the socket.
bool changes_facts(const call& of) {
  switch (of.kind) {
    case call_kind::bind:
    case call_kind::listen:
    case call_kind::connect: return true;
    case call_kind::option: return of.name == "fcntl" || of.name == "ioctl";
    default: return false;
  }
}

}  // namespace

const tracer::descriptor& tracer::look(thread& of, int fd) {
  process& whose = processes_[of.process];
  const auto [at, is_new] = whose.descriptors.try_emplace(fd);
  if (is_new) {
    const socket_id id = find_socket_of(of.id, fd);
    // Sockets of other families are ignored.
    if (id != 0 && (known_.contains(id) || query_socket(of.id, whose.handle, fd, id))) at->second.socket = id;
  }
  return at->second;
}

std::optional<socket_facts> tracer::query(thread& of, int fd) {
  const socket_id id = look(of, fd).socket;
  if (id == 0) return std::nullopt;
  process& whose = processes_[of.process];
  auto facts = query_socket(of.id, whose.handle, fd, id);
  if (!facts) return facts;
  known_.insert(id);
  whose.descriptors[fd].is_named = facts->local && facts->local->port != 0;
  return facts;
}

/// Queries all sockets of a process that uses io_uring: they are created, connected and closed without a call.
void tracer::learn_sockets(process_id id, process& whose, wall_time since) {
  // A scan takes some 10 µs per socket. A process with many is scanned less often, so that it can still work.
  constexpr std::size_t few = 16;
  constexpr wall_time pause_per_socket = std::chrono::microseconds(100);
  const wall_time now = read_wall_clock();
  if (now < whose.next_scan) return;
  const auto sockets = find_sockets_of(id);
  if (sockets.size() > few) whose.next_scan = now + sockets.size() * pause_per_socket;
  whose.descriptors.clear();
  for (const auto& [fd, socket] : sockets) {
    auto facts = query_socket(id, whose.handle, fd, socket);
    if (!facts) continue;
    known_.insert(socket);
    whose.descriptors[fd] = {socket, facts->local && facts->local->port != 0};
    events_.learned(*std::move(facts), id, since);
  }
}

/// The facts of a new socket by the arguments of socket(). Needed if pidfd_getfd is forbidden: /proc/PID/net does not
/// list sockets without an address.
std::optional<socket_facts> tracer::describe_new_socket(thread& of, int fd) {
  const bool is_tcp = (of.raw[1] & kind_mask) == SOCK_STREAM;
  if (of.raw[2] != 0 && of.raw[2] != (is_tcp ? IPPROTO_TCP : IPPROTO_UDP)) return std::nullopt;
  const socket_id id = find_socket_of(of.id, fd);
  if (id == 0) return std::nullopt;
  known_.insert(id);
  processes_[of.process].descriptors[fd] = {id, false};
  return socket_facts{.id = id,
                      .protocol = is_tcp ? protocol::tcp : protocol::udp,
                      .is_v6 = of.raw[0] == AF_INET6,
                      .is_nonblocking = (of.raw[1] & SOCK_NONBLOCK) != 0,
                      .local = {},
                      .remote = {}};
}

void tracer::handle_entry(process_id id, thread& of) {
  __ptrace_syscall_info info{};
  const auto size = ::ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof info, &info);
  if (size <= 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP) return resume(id);
  const system_call* which = find_system_call(info.seccomp.nr);
  if (which == nullptr) return resume(id);
  std::copy(std::begin(info.seccomp.args), std::end(info.seccomp.args), of.raw.begin());
  if (!is_running_ || !enter(id, of, *which)) return resume(id);
  of.which = which;
  last_activity_ = of.current.entered;
  resume_until_return(id);
}

/// Returns whether the call is reported, so that its return must be awaited.
bool tracer::enter(process_id id, thread& of, const system_call& which) {
  const int first = static_cast<int>(of.raw[0]);
  if (first < 0 && which.name == "write") {
    read_report(id, of);
    return false;
  }
  process& whose = processes_[of.process];
  switch (which.shape) {
    case call_shape::create:
      if (!is_internet_socket(of.raw)) return false;
      break;
    case call_shape::duplicate:
    case call_shape::close_range:
    case call_shape::execute: return enter_implicit_close(id, of, which);
    case call_shape::io_uring:
      if (!std::exchange(whose.has_io_uring, true))
        events_.noted(fmt::format("process {} uses io_uring: its io_uring operations are not shown, only their packets",
                                  of.process));
      return false;
    case call_shape::io_uring_enter:
      if (!whose.has_io_uring) return false;  // set up by another process
      of.current = {.process = of.process, .thread = id, .name = which.name, .kind = which.kind};
      of.current.entered = read_wall_clock();
      learn_sockets(of.process, whose, of.current.entered);
      return true;
    case call_shape::restart:
      if (of.interrupted.id == 0) return false;
      of.current = std::exchange(of.interrupted, {});
      of.current.returned.reset();
      of.current.entered = read_wall_clock();
      of.current.id = events_.entered(of.current, {});
      return true;
    default: break;
  }
  of.current = {.process = of.process, .thread = id, .name = which.name, .kind = which.kind, .fd = first};
  call& now = of.current;
  switch (which.shape) {
    case call_shape::create: now.fd = -1; break;
    case call_shape::poll:
    case call_shape::select:
    case call_shape::epoll_wait:
      if (!enter_wait(of, which)) return false;
      break;
    case call_shape::epoll_control: {
      now.fd = static_cast<int>(of.raw[2]);
      now.socket = look(of, now.fd).socket;
      auto& interest = whose.epolls[first];
      std::erase_if(interest, [&](const auto& each) { return each.second == now.fd; });
      if (of.raw[1] != EPOLL_CTL_DEL) interest[read_epoll_data(id, of.raw)] = now.fd;
      break;
    }
    case call_shape::splice:
      now.socket = look(of, static_cast<int>(of.raw[2])).socket;
      if (now.socket != 0) {
        now.fd = static_cast<int>(of.raw[2]);
      } else {
        now.kind = call_kind::receive;
        now.socket = look(of, first).socket;
      }
      break;
    default: now.socket = look(of, first).socket; break;
  }
  const bool is_wait = which.kind == call_kind::wait;
  if (now.socket == 0 && which.shape != call_shape::create && !is_wait) {
    if (which.kind == call_kind::close) {
      whose.descriptors.erase(first);
      whose.epolls.erase(first);
    }
    return false;
  }
  read_arguments(now, which, of.raw);
  std::optional<socket_facts> facts;
  if (now.socket != 0 && !known_.contains(now.socket)) facts = query(of, now.fd);
  report_entry(of, which, std::move(facts));
  if (which.kind == call_kind::close) {
    whose.descriptors.erase(first);
    known_.erase(now.socket);
  }
  return true;
}

/// close_range(), dup2() to a descriptor in use and execve() are reported if they close sockets that the process has
/// used.
bool tracer::enter_implicit_close(process_id id, thread& of, const system_call& which) {
  const bool is_range = which.shape == call_shape::close_range;
  const bool is_exec = which.shape == call_shape::execute;
  if (is_range && (of.raw[2] & CLOSE_RANGE_CLOEXEC) != 0) return false;
  if (which.shape == call_shape::duplicate && of.raw[0] == of.raw[1]) return false;
  const descriptor_range range = find_closed_range(which, of.raw);
  process& whose = processes_[of.process];
  of.current = {.process = of.process, .thread = id, .name = which.name, .kind = call_kind::close};
  for (const auto& [fd, each] : whose.descriptors)
    if (each.socket != 0 && (is_exec ? has_close_on_exec(id, fd) : range.contains(fd)))
      of.current.ready.push_back(each.socket);
  if (of.current.ready.empty()) {
    // A duplicate of a descriptor that is not open fails, and closes nothing.
    if (is_range || (!is_exec && is_open(id, static_cast<int>(of.raw[0])))) forget_closed(of, which);
    return false;
  }
  if (is_exec)
    of.current.arguments = escape(read_text(id, of.raw[which.name == "execve" ? 0 : 1]), max_shown_path);
  else if (is_range)
    of.current.arguments =
        fmt::format("{}, {}", range.first, range.last == ~0U ? "all" : fmt::format("{}", range.last));
  else
    of.current.arguments = fmt::format("{}, {}", static_cast<int>(of.raw[0]), range.last);
  report_entry(of, which, {});
  return true;
}

/// After dup2() or close_range(): forgets the descriptors that the current call has closed.
void tracer::forget_closed(thread& of, const system_call& which) {
  const descriptor_range range = find_closed_range(which, of.raw);
  const std::vector<socket_id>& closed = of.current.ready;
  process& whose = processes_[of.process];
  // Another thread may have opened a socket with the same descriptor meanwhile.
  std::erase_if(whose.descriptors, [&](const auto& each) {
    const socket_id socket = each.second.socket;
    return range.contains(each.first) && (socket == 0 || std::ranges::find(closed, socket) != closed.end());
  });
  std::erase_if(whose.epolls, [&](const auto& each) { return range.contains(each.first); });
}

/// A wait is reported if one of its descriptors is a socket.
bool tracer::enter_wait(thread& of, const system_call& which) {
  call& now = of.current;
  now.fd = -1;
  std::vector<int> asked;
  if (which.shape == call_shape::epoll_wait) {
    const auto at = processes_[of.process].epolls.find(static_cast<int>(of.raw[0]));
    if (at == processes_[of.process].epolls.end()) return false;
    for (const auto& [data, fd] : at->second) asked.push_back(fd);
  } else {
    asked = read_polled(now.thread, which, of.raw, false);
  }
  std::string names;
  for (const int fd : asked) {
    if (look(of, fd).socket == 0) continue;
    names += fmt::format("{}{}", names.empty() ? "" : " ", fd);
  }
  if (names.empty()) return false;
  read_arguments(now, which, of.raw);
  now.arguments = fmt::format("[{}], {}", names, now.arguments);
  return true;
}

/// A Python program writes to descriptor -1: the buffer that will have the thread's line, or the line itself.
void tracer::read_report(process_id id, thread& of) {
  const bytes message = read_memory(id, of.raw[1], std::min<std::uint64_t>(of.raw[2], max_reported_line));
  const bool is_buffer = as_text(message).starts_with(line_buffer_mark);
  of.line_buffer = is_buffer ? of.raw[1] : 0;
  of.reported = is_buffer ? std::string_view() : as_text(message);
}

/// The line that the program noted before its current call; null if there is none.
std::shared_ptr<const reported_line> tracer::find_reported_line(process_id id, thread& of) {
  if (of.line_buffer != 0) {
    of.reported.clear();
    std::array<std::byte, line_buffer_mark.size() + max_reported_line> buffer;  // NOLINT: filled by read_memory
    constexpr std::size_t usual = 256;
    for (const std::size_t size : {usual, buffer.size()}) {
      const std::string_view text = as_text(read_memory(id, of.line_buffer, std::span(buffer).first(size)));
      // A thread that ends frees its buffer: then the mark is not there any more.
      if (!text.starts_with(line_buffer_mark)) break;
      of.reported = cut_reported_line(text.substr(line_buffer_mark.size()));
      if (!of.reported.empty() || text.size() < size) break;
    }
  }
  if (of.reported.empty()) return nullptr;
  auto& known = processes_[of.process].reported_lines;
  if (const auto at = known.find(of.reported); at != known.end()) return at->second;
  constexpr std::size_t most_known = 4096;
  if (known.size() >= most_known) known.clear();
  auto parsed = parse_reported_line(of.reported);
  if (!parsed) return nullptr;
  source_line& where = parsed->where;
  where.text = sources_.read(fmt::format("/proc/{}/cwd", of.process), where.file, where.line);
  return known[of.reported] = std::make_shared<const reported_line>(*std::move(parsed));
}

void tracer::report_entry(thread& of, const system_call& which, std::optional<socket_facts> facts) {
  // Methods of Python's sockets wait with poll() only. For other waits Python reports no line.
  const bool reports_line = which.shape != call_shape::epoll_wait && which.shape != call_shape::select;
  const auto reported = reports_line ? find_reported_line(of.current.thread, of) : nullptr;
  if (reported && makes_call(reported->method, of.current.kind)) {
    of.current.source = {reported, &reported->where};
  } else if (!processes_[of.process].is_python) {
    of.current.source = natives_.find(of.process, of.current.thread, sources_);
  }
  if (events_.before && !events_.before(of.current)) end_the_rest(SIGTERM);
  of.current.entered = read_wall_clock();
  of.current.id = events_.entered(of.current, std::move(facts));
}

void tracer::handle_return(process_id id, thread& of) {
  if (of.which != nullptr) {
    __ptrace_syscall_info info{};
    const auto size = ::ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof info, &info);
    if (size > 0 && info.op == PTRACE_SYSCALL_INFO_EXIT) leave(of, info.exit.rval);
    of.which = nullptr;
  }
  resume(id);
}

void tracer::leave(thread& of, std::int64_t value) {
  const system_call& which = *of.which;
  call& now = of.current;
  // Packets that it sent left after its entry.
  if (which.shape == call_shape::io_uring_enter) return learn_sockets(of.process, processes_[of.process], now.entered);
  now.returned = read_wall_clock();
  last_activity_ = *now.returned;
  now.value = value;
  if (value <= -512) of.interrupted = now;  // restarted by the kernel after the signal
  // exec() tries one path after the other, and dup2() may fail, too: then nothing was closed.
  if (now.kind == call_kind::close && value >= 0) {
    for (const socket_id each : now.ready) known_.erase(each);
    if (which.shape == call_shape::duplicate || which.shape == call_shape::close_range) forget_closed(of, which);
  }
  std::optional<socket_facts> facts;
  const bool makes_socket = which.shape == call_shape::create || which.shape == call_shape::accept;
  if (makes_socket && value >= 0) {
    const int fd = static_cast<int>(value);
    processes_[of.process].descriptors.erase(fd);
    facts = query(of, fd);
    if (!facts && which.shape == call_shape::create) facts = describe_new_socket(of, fd);
    if (facts) now.made = facts->id;
    if (which.shape == call_shape::create) now.socket = now.made;
    if (facts && facts->remote) now.outcome = fmt::format("from {}", to_string(*facts->remote));
  } else if (which.kind == call_kind::wait) {
    if (value > 0) {
      std::vector<int> ready;
      if (which.shape == call_shape::epoll_wait) {
        const auto& interest = processes_[of.process].epolls[static_cast<int>(of.raw[0])];
        for (const std::uint64_t data : read_epoll_events(now.thread, of.raw, static_cast<std::size_t>(value)))
          if (const auto fd = interest.find(data); fd != interest.end()) ready.push_back(fd->second);
      } else {
        ready = read_polled(now.thread, which, of.raw, true);
      }
      std::string names;
      for (const int fd : ready) {
        names += fmt::format(" {}", fd);
        if (const socket_id socket = look(of, fd).socket; socket != 0) now.ready.push_back(socket);
      }
      now.outcome = fmt::format("ready:{}", names);
    }
  } else if (now.kind == call_kind::name) {
    facts = query(of, now.fd);
    if (facts && value == 0) {
      const auto& shown = which.name == "getsockname" ? facts->local : facts->remote;
      if (shown) now.outcome = to_string(*shown);
    }
  } else if (now.socket != 0 && now.kind != call_kind::close) {
    if (changes_facts(now) || !look(of, now.fd).is_named) facts = query(of, now.fd);
    if (now.kind == call_kind::connect && facts && facts->local && facts->local->port != 0)
      now.outcome = fmt::format("from {}", to_string(*facts->local));
  }
  read_results(now, which, of.raw);
  events_.left(std::move(now), std::move(facts));
}

}  // namespace netlab::trace
