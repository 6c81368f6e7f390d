// SPDX-License-Identifier: MIT
// Queries the kernel about another process's descriptors.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/fd.hpp"
#include "trace/calls.hpp"

namespace netlab::trace {

/// The inode number of the socket that a thread's descriptor refers to; 0 if it is not a socket or not open. After the
/// main thread has ended, only the other threads of the process have its descriptors.
[[nodiscard]] socket_id find_socket_of(process_id thread, int fd);

/// Whether the thread has this descriptor; false if that cannot be read.
[[nodiscard]] bool is_open(process_id thread, int fd);

/// Whether exec() closes the descriptor.
[[nodiscard]] bool has_close_on_exec(process_id thread, int fd);

/// The descriptors of a process that are sockets, with their inode numbers.
[[nodiscard]] std::vector<std::pair<int, socket_id>> find_sockets_of(process_id process);

/// What the kernel reports about the socket; none if it is not a TCP or UDP socket. The descriptor is duplicated
/// (pidfd_getfd) only during the query, so that a close() in the program still closes the socket. In a container that
/// forbids this, and after the main thread has ended, the tables in /proc/PID/net are read: they list sockets that have
/// an address. `handle`: of the thread's process.
[[nodiscard]] std::optional<socket_facts> query_socket(process_id thread, const net::unique_fd& handle, int fd,
                                                       socket_id id);

/// Opens a process for query_socket().
[[nodiscard]] net::unique_fd open_process(process_id process);

}  // namespace netlab::trace
