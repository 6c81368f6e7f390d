// SPDX-License-Identifier: MIT
// Which process holds which socket: /proc/PID/fd, and /proc/PID/task/TID/fd of a thread with descriptors of its own
// (proc(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "sockets/entry.hpp"

namespace netlab::sockets {

struct owner_list {
  std::unordered_map<std::uint32_t, std::vector<owner>> of_inode;  ///< by pid
  std::size_t hidden_processes = 0;  ///< of other users, whose descriptors may not be seen
  std::error_code refused;  ///< the system had no descriptor or memory to look with: what was found is not all
  bool has_processes = true;  ///< false: there is not one to be seen, not even this one, so /proc is not mounted
};

/// Finds the processes that hold sockets of these inodes, by pid and descriptor. Processes that end meanwhile are
/// passed over.
[[nodiscard]] owner_list find_owners(const std::vector<std::uint32_t>& inodes, const std::string& proc = "/proc");

/// What the kernel keeps of a process's name (TASK_COMM_LEN, without its NUL).
inline constexpr std::size_t longest_process_name = 15;

/// Whether there is a process of this number or name, as far as one can see; of a name the first
/// `longest_process_name` octets count.
[[nodiscard]] bool has_process(const std::string& number_or_name, const std::string& proc = "/proc");

/// The inode in `socket:[123]`; 0 in anything else.
[[nodiscard]] std::uint32_t socket_inode(std::string_view link) noexcept;

}  // namespace netlab::sockets
