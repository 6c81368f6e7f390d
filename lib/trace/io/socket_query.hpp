// SPDX-License-Identifier: MIT
// What the system says of another process's descriptors.
#pragma once

#include <optional>
#include <string>

#include "net/fd.hpp"
#include "trace/calls.hpp"

namespace netlab::trace {

/// The socket that a descriptor of a process stands for: its inode number; 0 where it is none, or not open.
[[nodiscard]] socket_id find_socket_of(process_id process, int fd);

/// What the system says of it; nothing where it is not a TCP or UDP socket. The descriptor is borrowed for the look
/// (pidfd_getfd) and given back at once, so that a close() in the program closes the socket.
[[nodiscard]] std::optional<socket_facts> query_socket(const net::unique_fd& process, int fd, socket_id id);

/// For query_socket().
[[nodiscard]] net::unique_fd open_process(process_id process);

/// The descriptor itself, as one of ours; invalid on failure, with errno.
[[nodiscard]] net::unique_fd take_descriptor(const net::unique_fd& process, int fd);

}  // namespace netlab::trace
