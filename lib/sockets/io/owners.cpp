// SPDX-License-Identifier: MIT
#include "sockets/io/owners.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/result.hpp"
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

/// Call it after a system call has failed.
void note_refusal(owner_list& found) {
  const std::error_code error = last_system_error();
  if (classify(error) == error_class::system_resources) found.refused = error;
}

/// Reads the descriptors of one process.
class process_reader {
 public:
  process_reader(owner_list& found, std::int32_t pid, int base) : found_(found), pid_(pid), base_(base) {}

  /// Reads those of the main thread and all threads that share them. Returns false, with errno, if they cannot be read.
  bool read_main() { return read("fd"); }

  /// Reads those of threads with a descriptor table of their own, after unshare(2) or clone(2) without CLONE_FILES, or
  /// if the main thread has ended. `may_compare`: the thread IDs are of this system. Returns false if none was read.
  bool read_threads(bool may_compare) {
    struct stat about{};
    constexpr nlink_t of_one_thread = 3;  // `.`, `..` and one directory per thread
    if (::fstatat(base_, "task", &about, 0) != 0 || about.st_nlink == of_one_thread) return false;
    const directory threads = open_directory(base_, "task");
    if (!threads) {
      note_refusal(found_);
      return false;
    }
    bool was_read = false;
    while (const dirent* each = ::readdir(threads.get())) {
      const auto thread = parse_integer<std::int32_t>(each->d_name);
      if (!thread || *thread == pid_ || (may_compare && shares_descriptors(*thread))) continue;
      if (read("task/" + std::to_string(*thread) + "/fd"))
        was_read = true;
      else
        note_refusal(found_);
    }
    return was_read;
  }

  /// For a process of this user that read_main() may not read: once its main thread has ended, /proc/PID/fd belongs to
  /// root, but the directories of the other threads still belong to the user. Returns false if none was read.
  bool read_own_threads(bool may_compare) {
    struct stat about{};
    return ::fstatat(base_, "task", &about, 0) == 0 && about.st_uid == ::geteuid() && read_threads(may_compare);
  }

 private:
  bool read(const std::string& path) {
    const directory descriptors = open_directory(base_, path.c_str());
    if (!descriptors) return false;
    while (const dirent* each = ::readdir(descriptors.get())) {
      std::array<char, 64> link{};
      const ssize_t size = ::readlinkat(::dirfd(descriptors.get()), each->d_name, link.data(), link.size());
      if (size <= 0) continue;
      const std::uint32_t inode = socket_inode({link.data(), static_cast<std::size_t>(size)});
      const auto at = inode == 0 ? found_.of_inode.end() : found_.of_inode.find(inode);
      if (at == found_.of_inode.end()) continue;
      if (name_.empty()) name_ = read_name(base_);
      at->second.push_back({pid_, parse_integer<std::int32_t>(each->d_name).value_or(-1), name_});
    }
    return true;
  }

  /// If kcmp(2) is not available, the descriptors are read; at worst, the same ones again.
  [[nodiscard]] bool shares_descriptors(std::int32_t thread) const noexcept {
    return ::syscall(SYS_kcmp, pid_, thread, KCMP_FILES, 0, 0) == 0;
  }

  owner_list& found_;
  std::int32_t pid_;
  int base_;
  std::string name_;
};

std::string read_name_at(int proc, const char* process) {
  const int base = ::openat(proc, process, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return {};
  std::string name = read_name(base);
  ::close(base);
  return name;
}

}  // namespace

std::uint32_t socket_inode(std::string_view link) noexcept {
  constexpr std::string_view begin = "socket:[";
  if (!link.starts_with(begin) || !link.ends_with(']')) return 0;
  link.remove_prefix(begin.size());
  link.remove_suffix(1);
  return parse_integer<std::uint32_t>(link).value_or(0);
}

bool has_process(const std::string& number_or_name, const std::string& proc) {
  const auto wanted = parse_integer<std::int32_t>(number_or_name);
  const std::string name = number_or_name.substr(0, longest_process_name);
  const directory all = open_directory(AT_FDCWD, proc.c_str());
  if (!all) return true;  // unknown
  while (const dirent* process = ::readdir(all.get())) {
    const auto pid = parse_integer<std::int32_t>(process->d_name);
    if (!pid) continue;
    if (wanted ? *pid == *wanted : read_name_at(::dirfd(all.get()), process->d_name) == name) return true;
  }
  return false;
}

owner_list find_owners(const std::vector<std::uint32_t>& inodes, const std::string& proc) {
  owner_list found;
  found.of_inode.reserve(inodes.size());
  for (const std::uint32_t inode : inodes)
    if (inode != 0) found.of_inode.try_emplace(inode);
  if (found.of_inode.empty()) return found;
  const directory all = open_directory(AT_FDCWD, proc.c_str());
  found.has_processes = false;
  if (!all) {
    note_refusal(found);
    return found;
  }
  while (const dirent* process = ::readdir(all.get())) {
    const auto pid = parse_integer<std::int32_t>(process->d_name);
    if (!pid) continue;
    found.has_processes = true;
    const int base = ::openat(::dirfd(all.get()), process->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0) {
      note_refusal(found);
      continue;
    }
    process_reader reader(found, *pid, base);
    const bool may_compare = proc == "/proc";
    if (reader.read_main()) {
      reader.read_threads(may_compare);
    } else if (errno == EACCES || errno == EPERM) {
      if (!reader.read_own_threads(may_compare)) ++found.hidden_processes;
    } else {
      note_refusal(found);
    }
    ::close(base);
  }
  for (auto& [inode, owners] : found.of_inode) {
    const auto key = [](const owner& of) { return std::pair(of.pid, of.fd); };
    std::ranges::sort(owners, {}, key);
    const auto copies = std::ranges::unique(owners, {}, key);
    owners.erase(copies.begin(), copies.end());
  }
  return found;
}

}  // namespace netlab::sockets
