// SPDX-License-Identifier: MIT
#include "sockets/owners.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/text.hpp"

namespace netlab::sockets {
namespace {

struct closer {
  void operator()(DIR* open) const noexcept { ::closedir(open); }
};
using directory = std::unique_ptr<DIR, closer>;

directory open_directory(int at, const char* name) {
  const int fd = ::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  DIR* open = ::fdopendir(fd);
  if (open == nullptr) ::close(fd);
  return directory(open);
}

std::string read_name(int process) {
  std::array<char, 64> text{};
  const int fd = ::openat(process, "comm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "?";
  const ssize_t size = ::read(fd, text.data(), text.size());
  ::close(fd);
  std::string_view name(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  if (name.ends_with('\n')) name.remove_suffix(1);
  return std::string(name);
}

}  // namespace

std::uint32_t socket_inode(std::string_view link) noexcept {
  constexpr std::string_view begin = "socket:[";
  if (!link.starts_with(begin) || !link.ends_with(']')) return 0;
  link.remove_prefix(begin.size());
  link.remove_suffix(1);
  return parse_integer<std::uint32_t>(link).value_or(0);
}

owner_list find_owners(const std::vector<std::uint32_t>& inodes, const std::string& proc) {
  owner_list found;
  found.of_inode.reserve(inodes.size());
  for (const std::uint32_t inode : inodes)
    if (inode != 0) found.of_inode.try_emplace(inode);
  if (found.of_inode.empty()) return found;
  const directory all = open_directory(AT_FDCWD, proc.c_str());
  if (!all) return found;
  while (const dirent* process = ::readdir(all.get())) {
    const auto pid = parse_integer<std::int32_t>(process->d_name);
    if (!pid) continue;
    const int base = ::openat(::dirfd(all.get()), process->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0) continue;
    if (const directory descriptors = open_directory(base, "fd")) {
      std::string name;
      while (const dirent* each = ::readdir(descriptors.get())) {
        std::array<char, 64> link{};
        const ssize_t size = ::readlinkat(::dirfd(descriptors.get()), each->d_name, link.data(), link.size());
        if (size <= 0) continue;
        const std::uint32_t inode = socket_inode({link.data(), static_cast<std::size_t>(size)});
        const auto at = inode == 0 ? found.of_inode.end() : found.of_inode.find(inode);
        if (at == found.of_inode.end()) continue;
        if (name.empty()) name = read_name(base);
        at->second.push_back({*pid, parse_integer<std::int32_t>(each->d_name).value_or(-1), name});
      }
    } else if (errno == EACCES || errno == EPERM) {
      ++found.hidden_processes;
    }
    ::close(base);
  }
  for (auto& [inode, owners] : found.of_inode)
    std::sort(owners.begin(), owners.end(), [](const owner& one, const owner& other) {
      return one.pid != other.pid ? one.pid < other.pid : one.fd < other.fd;
    });
  return found;
}

}  // namespace netlab::sockets
