// SPDX-License-Identifier: MIT
// A system call on a socket, made by the traced program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/address.hpp"
#include "trace/packets.hpp"

namespace netlab::trace {

using process_id = std::int32_t;
using call_id = std::uint64_t;    ///< from 1, in the order of entry; 0: none
using packet_id = std::uint64_t;  ///< from 1, in the order of capture; 0: none
/// The inode number of the socket: unchanged by dup, fork and exec, and the same in all processes that share the
/// socket.
using socket_id = std::uint64_t;  ///< 0: none

/// The effect of a call on a socket, whatever its name: sendto, sendmsg and write all send.
enum class call_kind : std::uint8_t {
  create,
  bind,
  listen,
  accept,
  connect,
  send,
  receive,
  shutdown,
  close,
  wait,  ///< poll, select, epoll_wait
  option,  ///< setsockopt, getsockopt, fcntl, ioctl, epoll_ctl
  name,  ///< getsockname, getpeername
  exit,  ///< the process ends, and the kernel closes its sockets
};
[[nodiscard]] std::string_view name_of(call_kind which) noexcept;

/// What the kernel reports about a socket.
struct socket_facts {
  socket_id id = 0;
  trace::protocol protocol = trace::protocol::tcp;
  bool is_v6 = false;
  bool is_listening = false;
  bool is_nonblocking = false;
  std::optional<address> local;  ///< including the port
  std::optional<address> remote;
};

/// The place in the program where a call was made.
struct source_line {
  std::string file;  ///< as named by the program's language; empty: unknown
  unsigned line = 0;  ///< 0: unknown
  std::string function;  ///< may be empty
  std::string text;  ///< the trimmed text of the line; may be empty
};

struct call {
  call_id id = 0;
  process_id process = 0;
  process_id thread = 0;
  std::string_view name;  ///< of the system call; static lifetime
  call_kind kind = call_kind::create;
  int fd = -1;
  socket_id socket = 0;
  std::string arguments;  ///< the text in parentheses, after the descriptor
  std::shared_ptr<const source_line> source;  ///< null: unknown; calls from the same place share it

  wall_time entered{};
  std::optional<address> target;  ///< for connect, bind, sendto
  std::uint64_t asked = 0;  ///< octets to be sent or received
  bool is_peek = false;  ///< MSG_PEEK: the data stays in the queue
  bool takes_all = false;  ///< MSG_WAITALL
  bool ends_sending = false;  ///< close, or shutdown for sending

  std::optional<wall_time> returned;  ///< none: not returned yet, or the process ended in the call
  std::int64_t value = 0;  ///< the result; -errno on failure
  std::string outcome;  ///< further results: the peer of accept, ready descriptors; may be empty
  socket_id made = 0;  ///< the new socket, for socket and accept
  std::vector<socket_id> ready;  ///< the result of a wait; the sockets that exit, close_range and dup2 close
  std::vector<std::uint32_t> datagrams;  ///< lengths, for calls that sent or received several
  std::optional<address> from;  ///< source address of a received datagram

  [[nodiscard]] bool has_failed() const noexcept { return returned && value < 0; }
};

/// `connect(3, 127.0.0.1:4711)`.
[[nodiscard]] std::string describe(const call& of);
/// The result: `= 0`, `= -1 ECONNREFUSED (connection refused)`; empty until the call returns.
[[nodiscard]] std::string describe_result(const call& of);
/// The place where the call was made; without a file if it is unknown.
[[nodiscard]] const source_line& source_of(const call& of) noexcept;
/// `client.py:14`, or the function if there is no line; empty if nothing is known.
[[nodiscard]] std::string to_string(const source_line& where);

/// `ECONNREFUSED`, `errno 999`.
[[nodiscard]] std::string name_of_errno(int number);

}  // namespace netlab::trace
