// SPDX-License-Identifier: MIT
// Finds the process of each socket: /proc/PID/fd, and /proc/PID/task/TID/fd for threads with a descriptor table of
// their own (proc(5)).
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
  std::unordered_map<std::uint32_t, std::vector<owner>> of_inode;  ///< sorted by pid
  std::size_t hidden_processes = 0;  ///< processes of other users, whose descriptors may not be read
  std::error_code refused;  ///< no descriptor or memory was left: the list is incomplete
  bool has_processes = true;  ///< false: no process is visible, not even this one: /proc is not mounted
};

/// Finds the processes that hold sockets with these inodes, by pid and descriptor. Skips processes that end meanwhile.
[[nodiscard]] owner_list find_owners(const std::vector<std::uint32_t>& inodes, const std::string& proc = "/proc");

/// The longest process name that the kernel stores (TASK_COMM_LEN without its NUL).
inline constexpr std::size_t longest_process_name = 15;

/// True if a visible process has this number or name; the first `longest_process_name` octets of a name count.
[[nodiscard]] bool has_process(const std::string& number_or_name, const std::string& proc = "/proc");

/// The inode in `socket:[123]`; 0 for any other text.
[[nodiscard]] std::uint32_t socket_inode(std::string_view link) noexcept;

}  // namespace netlab::sockets
