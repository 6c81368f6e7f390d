// SPDX-License-Identifier: MIT
// Queries the kernel about another process's descriptors.
#pragma once

#include <optional>
#include <string>

#include "net/fd.hpp"
#include "trace/calls.hpp"

namespace netlab::trace {

/// The inode number of the socket that a process's descriptor refers to; 0 if it is not a socket or not open.
[[nodiscard]] socket_id find_socket_of(process_id process, int fd);

/// What the kernel reports about the socket; none if it is not a TCP or UDP socket. The descriptor is duplicated
/// (pidfd_getfd) only during the query, so that a close() in the program still closes the socket.
[[nodiscard]] std::optional<socket_facts> query_socket(const net::unique_fd& process, int fd, socket_id id);

/// Opens a process for query_socket().
[[nodiscard]] net::unique_fd open_process(process_id process);

/// Duplicates the descriptor into this process; on failure invalid, with errno set.
[[nodiscard]] net::unique_fd take_descriptor(const net::unique_fd& process, int fd);

}  // namespace netlab::trace
