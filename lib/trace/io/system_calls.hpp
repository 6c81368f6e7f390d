// SPDX-License-Identifier: MIT
// The system calls to trace, and the layout of their arguments.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "trace/calls.hpp"

namespace netlab::trace {

/// How the tracer handles a system call, in addition to its call_kind, which is for the reader.
enum class call_shape : std::uint8_t {
  plain,         ///< argument 0 is the descriptor, the result is shown
  create,        ///< socket(): the result is a new socket
  accept,        ///< the result is a new socket
  address,       ///< bind, connect: arguments 1 and 2 are the address
  transfer,      ///< read, write: argument 2 is the number of octets
  transfer_to,   ///< sendto, recvfrom: argument 3 has the flags, 4 the address
  message,       ///< sendmsg, recvmsg: argument 1 is a msghdr
  messages,      ///< sendmmsg, recvmmsg
  vector,        ///< readv, writev
  poll,          ///< argument 0 is the pollfd array, 1 its size
  select,        ///< argument 0 is the number of descriptors, 1 to 3 are the sets
  epoll_wait,
  epoll_control,
  close_range,
  duplicate,     ///< dup2, dup3: argument 1 becomes another descriptor for argument 0; shown if it was a socket
  control,       ///< fcntl, ioctl: only to make a descriptor non-blocking or blocking
  socket_option,
  send_file,     ///< argument 0 is the target
  splice,        ///< argument 2 is the target, 0 the source
  io_uring,      ///< its operations cannot be seen
  io_uring_enter,  ///< not shown; afterwards sockets may have new addresses
  restart,       ///< restart_syscall: continues the interrupted call
  execute,       ///< execve, execveat: shown if it closes sockets
};

struct system_call {
  std::uint32_t number = 0;
  std::string_view name;
  call_kind kind = call_kind::option;
  call_shape shape = call_shape::plain;
};

/// Null if it is not traced.
[[nodiscard]] const system_call* find_system_call(std::uint64_t number) noexcept;

/// A seccomp filter that stops (SECCOMP_RET_TRACE) at these calls and allows all others, so that only calls on
/// descriptors cost time. Programs of another architecture (32-bit) are not traced.
[[nodiscard]] std::vector<sock_filter> make_filter();

}  // namespace netlab::trace
