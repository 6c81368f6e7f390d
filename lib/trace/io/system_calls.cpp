// SPDX-License-Identifier: MIT
#include "trace/io/system_calls.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>

namespace netlab::trace {
namespace {

// The most frequent calls come first: the filter checks them in this order.
constexpr auto traced = std::to_array<system_call>({
    {SYS_read, "read", call_kind::receive, call_shape::transfer},
    {SYS_write, "write", call_kind::send, call_shape::transfer},
    {SYS_sendto, "sendto", call_kind::send, call_shape::transfer_to},
    {SYS_recvfrom, "recvfrom", call_kind::receive, call_shape::transfer_to},
    {SYS_close, "close", call_kind::close, call_shape::plain},
#ifdef SYS_poll
    {SYS_poll, "poll", call_kind::wait, call_shape::poll},
#endif
    {SYS_ppoll, "ppoll", call_kind::wait, call_shape::poll},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", call_kind::wait, call_shape::epoll_wait},
#endif
    {SYS_epoll_pwait, "epoll_pwait", call_kind::wait, call_shape::epoll_wait},
    {SYS_epoll_pwait2, "epoll_pwait2", call_kind::wait, call_shape::epoll_wait},
    {SYS_epoll_ctl, "epoll_ctl", call_kind::option, call_shape::epoll_control},
#ifdef SYS_select
    {SYS_select, "select", call_kind::wait, call_shape::select},
#endif
    {SYS_pselect6, "pselect6", call_kind::wait, call_shape::select},
    {SYS_sendmsg, "sendmsg", call_kind::send, call_shape::message},
    {SYS_recvmsg, "recvmsg", call_kind::receive, call_shape::message},
    {SYS_sendmmsg, "sendmmsg", call_kind::send, call_shape::messages},
    {SYS_recvmmsg, "recvmmsg", call_kind::receive, call_shape::messages},
    {SYS_readv, "readv", call_kind::receive, call_shape::vector},
    {SYS_writev, "writev", call_kind::send, call_shape::vector},
    {SYS_socket, "socket", call_kind::create, call_shape::create},
    {SYS_bind, "bind", call_kind::bind, call_shape::address},
    {SYS_listen, "listen", call_kind::listen, call_shape::plain},
    {SYS_accept, "accept", call_kind::accept, call_shape::accept},
    {SYS_accept4, "accept4", call_kind::accept, call_shape::accept},
    {SYS_connect, "connect", call_kind::connect, call_shape::address},
    {SYS_shutdown, "shutdown", call_kind::shutdown, call_shape::plain},
    {SYS_setsockopt, "setsockopt", call_kind::option, call_shape::socket_option},
    {SYS_getsockopt, "getsockopt", call_kind::option, call_shape::socket_option},
    {SYS_getsockname, "getsockname", call_kind::name, call_shape::plain},
    {SYS_getpeername, "getpeername", call_kind::name, call_shape::plain},
    {SYS_sendfile, "sendfile", call_kind::send, call_shape::send_file},
    {SYS_splice, "splice", call_kind::send, call_shape::splice},
    {SYS_close_range, "close_range", call_kind::close, call_shape::close_range},
#ifdef SYS_dup2
    {SYS_dup2, "dup2", call_kind::close, call_shape::duplicate},
#endif
    {SYS_dup3, "dup3", call_kind::close, call_shape::duplicate},
    {SYS_fcntl, "fcntl", call_kind::option, call_shape::control},
    {SYS_ioctl, "ioctl", call_kind::option, call_shape::control},
    {SYS_io_uring_setup, "io_uring_setup", call_kind::option, call_shape::io_uring},
    {SYS_io_uring_enter, "io_uring_enter", call_kind::option, call_shape::io_uring_enter},
    {SYS_restart_syscall, "restart_syscall", call_kind::option, call_shape::restart},
    {SYS_execve, "execve", call_kind::close, call_shape::execute},
    {SYS_execveat, "execveat", call_kind::close, call_shape::execute},
});

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
#error "netlab trace knows the system calls of x86-64 and aarch64"
#endif

constexpr std::uint32_t offset_of_number = offsetof(seccomp_data, nr);
constexpr std::uint32_t offset_of_architecture = offsetof(seccomp_data, arch);
constexpr std::uint32_t offset_of_second_argument = offsetof(seccomp_data, args) + 8;  // its low half: little-endian

sock_filter load(std::uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter jump_if_equal(std::uint32_t value, std::size_t yes, std::size_t no) {
  return {BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), value};
}
sock_filter end_with(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

}  // namespace

const system_call* find_system_call(std::uint64_t number) noexcept {
  static constexpr auto by_number = [] {
    std::array<std::uint8_t, 512> index{};  // 0: not traced; else the index plus one
    for (std::size_t at = 0; at < traced.size(); ++at) index[traced[at].number] = static_cast<std::uint8_t>(at + 1);
    return index;
  }();
  if (number >= by_number.size() || by_number[number] == 0) return nullptr;
  return &traced[by_number[number] - 1U];
}

std::vector<sock_filter> make_filter() {
  // Most commands of fcntl and ioctl do not concern packets: only these stop.
  constexpr auto commands = std::to_array<std::uint32_t>({F_SETFL, FIONBIO});
  std::vector<sock_filter> program{
      load(offset_of_architecture),
      jump_if_equal(architecture, 1, 0),
      end_with(SECCOMP_RET_ALLOW),
      load(offset_of_number),
  };
  // The list is followed by: allow, trace, check of the command.
  std::size_t left = traced.size();
  for (const system_call& each : traced) {
    --left;
    const bool asks_command = each.shape == call_shape::control;
    program.push_back(jump_if_equal(each.number, asks_command ? left + 2 : left + 1, 0));
  }
  program.push_back(end_with(SECCOMP_RET_ALLOW));
  program.push_back(end_with(SECCOMP_RET_TRACE));
  program.push_back(load(offset_of_second_argument));
  std::size_t commands_left = commands.size();
  for (const std::uint32_t command : commands) {
    --commands_left;
    program.push_back(jump_if_equal(command, commands_left + 1, 0));
  }
  program.push_back(end_with(SECCOMP_RET_ALLOW));
  program.push_back(end_with(SECCOMP_RET_TRACE));
  return program;
}

}  // namespace netlab::trace
