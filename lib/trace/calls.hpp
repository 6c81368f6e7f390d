// SPDX-License-Identifier: MIT
// A call on a socket as the traced program made it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/address.hpp"
#include "trace/packets.hpp"

namespace netlab::trace {

using process_id = std::int32_t;
using call_id = std::uint64_t;    ///< from 1 in the order of entry; 0: none
using packet_id = std::uint64_t;  ///< from 1 in the order of capture; 0: none
/// The socket's inode number: it stays the same over dup, fork and exec, and in every process that has the socket open.
using socket_id = std::uint64_t;  ///< 0: none

/// What a call does to a socket, whatever its name is: sendto, sendmsg and write all send.
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
  exit,  ///< the process ends; the system closes its sockets
};
[[nodiscard]] std::string_view name_of(call_kind which) noexcept;

/// What the system says of a socket.
struct socket_facts {
  socket_id id = 0;
  trace::protocol protocol = trace::protocol::tcp;
  bool is_v6 = false;
  bool is_listening = false;
  bool is_nonblocking = false;
  std::optional<address> local;  ///< with a port
  std::optional<address> remote;
};

/// Where in the program a call was made.
struct source_line {
  std::string file;  ///< as the program's language names it; empty: unknown
  unsigned line = 0;  ///< 0: unknown
  std::string function;  ///< may be empty
  std::string text;  ///< the line itself, trimmed; may be empty
};

struct call {
  call_id id = 0;
  process_id process = 0;
  process_id thread = 0;
  std::string_view name;  ///< of the system call; lives as long as the program
  call_kind kind = call_kind::create;
  int fd = -1;
  socket_id socket = 0;
  std::string arguments;  ///< as they stand between the brackets, after the descriptor
  source_line source;

  wall_time entered{};
  std::optional<address> target;  ///< of connect, bind, sendto
  std::uint64_t asked = 0;  ///< octets that it wants to send or receive
  bool is_peek = false;  ///< MSG_PEEK: what it returns stays in the queue
  bool takes_all = false;  ///< MSG_WAITALL
  bool ends_sending = false;  ///< close, or shutdown of the sending side

  std::optional<wall_time> returned;  ///< none: still under way, or the process ended in it
  std::int64_t value = 0;  ///< its result; -errno on failure
  std::string outcome;  ///< more of the result: the peer of accept, what is ready; may be empty
  socket_id made = 0;  ///< by socket, accept
  std::vector<socket_id> ready;  ///< after a wait
  std::vector<std::uint32_t> datagrams;  ///< lengths, of a call that sent or received several
  std::optional<address> from;  ///< where a received datagram came from

  [[nodiscard]] bool has_failed() const noexcept { return returned && value < 0; }
};

/// `connect(3, 127.0.0.1:4711)`.
[[nodiscard]] std::string describe(const call& what);
/// What it returned: `= 0`, `= -1 ECONNREFUSED (connection refused)`; empty while it is under way.
[[nodiscard]] std::string describe_result(const call& what);
/// `client.py:14`, with the function where there is no line; empty where nothing is known.
[[nodiscard]] std::string to_string(const source_line& where);

/// `ECONNREFUSED`, `errno 999`.
[[nodiscard]] std::string name_of_errno(int number);

}  // namespace netlab::trace
