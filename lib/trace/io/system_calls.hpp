// SPDX-License-Identifier: MIT
// The system calls that are traced, and how their arguments read.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "trace/calls.hpp"

namespace netlab::trace {

/// How the tracer has to treat a system call, beyond what kind of call it is for the person who reads.
enum class call_shape : std::uint8_t {
  plain,         ///< first argument is the descriptor, result is shown
  create,        ///< socket(): the result is a new socket
  accept,        ///< the result is a new socket
  address,       ///< bind, connect: argument 1 and 2 are an address
  transfer,      ///< read, write: octets in argument 2
  transfer_to,   ///< sendto, recvfrom: flags in 3, an address in 4
  message,       ///< sendmsg, recvmsg: argument 1 is a msghdr
  messages,      ///< sendmmsg, recvmmsg
  vector,        ///< readv, writev
  poll,          ///< argument 0 are pollfds, 1 their number
  select,        ///< argument 0 is the number, 1 to 3 the sets
  epoll_wait,
  epoll_control,
  close_range,
  duplicate,     ///< dup2, dup3: argument 1 becomes another descriptor for argument 0; not shown
  control,       ///< fcntl, ioctl: only what makes a descriptor non-blocking, or blocking
  socket_option,
  send_file,     ///< argument 0 is where it goes
  splice,        ///< argument 2 is where it goes, 0 where it comes from
  io_uring,      ///< what it does is not seen
  restart,       ///< restart_syscall: the call before goes on
};

struct system_call {
  std::uint32_t number = 0;
  std::string_view name;
  call_kind kind = call_kind::option;
  call_shape shape = call_shape::plain;
};

/// Null where it is not traced.
[[nodiscard]] const system_call* find_system_call(std::uint64_t number) noexcept;

/// A seccomp filter that stops (SECCOMP_RET_TRACE) at these calls and lets the others through, so that only calls on
/// descriptors cost anything. Programs of another architecture (32-bit ones) pass unseen.
[[nodiscard]] std::vector<sock_filter> make_filter();

}  // namespace netlab::trace
