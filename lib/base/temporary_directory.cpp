// SPDX-License-Identifier: MIT
#include "base/temporary_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab {
namespace {

// Users do not choose such names, so a directory with this prefix may be removed.
constexpr std::string_view name_before = "netlab-temporary-";
constexpr std::string_view name_varying = "XXXXXX";  // as mkdtemp(3) wants it
constexpr std::string_view lock_name = "/.lock";

/// Locks the directory's lock file; -1 with errno on failure: EWOULDBLOCK if another process has locked it, ENOENT if
/// the directory or the file is missing. Not the directory itself, for its user may lock that.
int lock_directory(const std::string& path, int flags) {
  const std::string file = path + std::string(lock_name);
  const int fd = ::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
  if (fd < 0) return -1;
  struct stat about{};
  int number = 0;
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::fstat(fd, &about) != 0)
    number = errno;
  else if (about.st_nlink == 0)
    number = ENOENT;
  if (number == 0) return fd;
  ::close(fd);
  errno = number;
  return -1;
}

/// True if it is a directory of this user's.
bool is_own_directory(const std::string& path) {
  struct stat about{};
  return ::lstat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == ::geteuid();
}

void remove_all(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

/// Each directory is locked by its process: one that can be locked was left by a process that was killed.
void remove_abandoned(const std::string& parent) {
  DIR* const list = ::opendir(parent.c_str());
  if (list == nullptr) return;
  while (const dirent* const each = ::readdir(list)) {
    const std::string_view name(each->d_name);
    if (!name.starts_with(name_before) || name.size() != name_before.size() + name_varying.size()) continue;
    const std::string path = parent + "/" + std::string(name);
    if (!is_own_directory(path)) continue;
    const int lock = lock_directory(path, 0);
    // Without a lock file it is empty: its process was killed, or it is new and its process will make another.
    if (lock < 0 && errno == ENOENT) ::rmdir(path.c_str());
    if (lock < 0) continue;
    remove_all(path);
    ::close(lock);
  }
  ::closedir(list);
}

}  // namespace

result<temporary_directory> temporary_directory::make() {
  const char* const named = std::getenv("TMPDIR");
  const std::string parent = named != nullptr && *named != '\0' ? named : "/tmp";
  remove_abandoned(parent);
  // Between its creation and its lock, another process may take the directory for an abandoned one and remove it.
  constexpr int max_attempts = 100;
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    std::string path = fmt::format("{}/{}{}", parent, name_before, name_varying);
    if (::mkdtemp(path.data()) == nullptr) break;
    if (const int lock = lock_directory(path, O_CREAT); lock >= 0) return temporary_directory(std::move(path), lock);
    const int why = errno;
    if (why == EWOULDBLOCK || why == ENOENT) continue;
    // A file system without locks: others cannot lock it either, so nobody removes it.
    if (why == ENOLCK || why == EOPNOTSUPP) return temporary_directory(std::move(path), -1);
    remove_all(path);
    errno = why;
    break;
  }
  const std::error_code why = last_system_error();
  return unexpected(failure{make_error_code(errc::cannot_create),
                            fmt::format("a directory below '{}'", escape(parent, 200)), message_of(why),
                            "set TMPDIR to another place"});
}

temporary_directory::~temporary_directory() {
  if (path_.empty()) return;
  remove_all(path_);
  if (lock_ >= 0) ::close(lock_);
}

temporary_directory::temporary_directory(temporary_directory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

}  // namespace netlab
