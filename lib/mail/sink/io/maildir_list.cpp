// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir_list.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/message/entity.hpp"
#include "net/fd.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t first_read = 16 * 1024;  // most headers are smaller

/// errc::no_input for what the user can change; the system's code if it lacks memory or descriptors.
failure cannot_read(std::string_view act, const std::string& path) {
  const std::error_code why = last_system_error();
  failure made{make_error_code(errc::no_input), fmt::format("{} '{}'", act, escape(path, 200)), message_of(why), {}};
  if (classify(why) == error_class::system_resources) made.code = why;
  return made;
}

bool is_message_name(std::string_view name) noexcept {
  return !name.starts_with('.') &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_missing(int error) noexcept { return error == ENOENT; }

std::optional<header_of_file> describe_file(const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return header_of_file{.octets = {},
                        .modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
                        .size = static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

result<maildir_contents> list_maildir(const std::string& directory) {
  maildir_contents all;
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) {
    if (is_missing(errno)) return all;
    return unexpected(cannot_read("maildir", directory));
  }
  if (!S_ISDIR(status.st_mode)) {
    errno = ENOTDIR;
    return unexpected(cannot_read("maildir", directory));
  }
  std::unordered_map<std::string, std::size_t> seen;
  for (const char* folder : {"new", "cur"}) {
    const std::string path = fmt::format("{}/{}", directory, folder);
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(path.c_str()), ::closedir);
    if (!open) {
      if (is_missing(errno)) continue;
      return unexpected(cannot_read("maildir", path));
    }
    all.is_there = true;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(open.get());
      if (entry == nullptr && errno != 0) return unexpected(cannot_read("maildir", path));
      if (entry == nullptr) break;
      const std::string_view name(entry->d_name);
      const bool may_be_file = entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
      if (!may_be_file || !is_message_name(name)) continue;
      std::string unique(name.substr(0, name.find(':')));
      const auto [at, is_fresh] = seen.emplace(std::move(unique), all.messages.size());
      if (is_fresh)
        all.messages.push_back({.unique = at->first, .path = fmt::format("{}/{}", path, name)});
      else
        all.messages[at->second].path = fmt::format("{}/{}", path, name);
    }
  }
  return all;
}

result<std::optional<header_of_file>> read_header_of(const std::string& path) {
  const net::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    if (is_missing(errno) || errno == ELOOP || errno == ENXIO || errno == ENOTDIR)
      return std::optional<header_of_file>{};
    return unexpected(cannot_read("read", path));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return unexpected(cannot_read("read", path));
  auto found = describe_file(status);
  if (!found) return found;
  std::string& octets = found->octets;
  for (std::size_t wanted = first_read; wanted <= max_read_header; wanted *= 2) {
    while (octets.size() < wanted) {
      const std::size_t had = octets.size();
      octets.resize(wanted);
      const ssize_t size = ::read(file.get(), octets.data() + had, wanted - had);
      const int why = errno;
      octets.resize(had + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
      errno = why;
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return unexpected(cannot_read("read", path));
      if (size == 0) return found;
    }
    if (find_header_end(octets) != std::string_view::npos) break;
  }
  return found;
}

std::optional<header_of_file> stat_message(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return describe_file(status);
}

}  // namespace netlab::mail
