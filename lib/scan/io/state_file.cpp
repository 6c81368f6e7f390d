// SPDX-License-Identifier: MIT
#include "scan/io/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"

namespace netlab::scan {
namespace {

constexpr std::size_t largest_state = std::size_t{256} << 20;

/// Resolves a symbolic link: its target is replaced, not the link itself.
std::string real_name(const std::string& name) {
  const std::unique_ptr<char, decltype(&std::free)> found(::realpath(name.c_str(), nullptr), &std::free);
  return found ? std::string(found.get()) : name;
}

/// Without support for locks, assumes that no other process has it.
bool is_locked_by_another(int fd) noexcept { return ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; }

bool has_name(int fd, const std::string& name) noexcept {
  struct stat mine{};
  struct stat its{};
  return ::fstat(fd, &mine) == 0 && ::stat(name.c_str(), &its) == 0 && mine.st_ino == its.st_ino &&
         mine.st_dev == its.st_dev;
}

}  // namespace

result<state_file> state_file::open(const std::string& name) {
  const auto cannot = [&](errc code, std::string why) {
    return unexpected(
        failure{make_error_code(code), fmt::format("state file {}", escape(name, 200)), std::move(why), {}});
  };
  state_file made;
  for (;;) {
    made.fd_ = net::unique_fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
    if (!made.fd_) return cannot(errc::cannot_create, message_of(last_system_error()));
    struct stat about{};
    if (::fstat(made.fd_.get(), &about) != 0 || !S_ISREG(about.st_mode))
      return cannot(errc::cannot_create, "it is not a regular file");
    if (is_locked_by_another(made.fd_.get())) return cannot(errc::try_later, "another scan is using it");
    made.name_ = real_name(name);
    if (has_name(made.fd_.get(), made.name_)) break;  // else it was replaced before it was locked
  }
  auto text = read_all(made.fd_.get(), largest_state);
  if (!text) return cannot(errc::no_input, message_of(text.error()));
  made.text_ = *std::move(text);
  return made;
}

std::error_code state_file::replace(std::string_view text) {
  const std::string beside = name_ + ".tmp";
  net::unique_fd next(::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!next) return last_system_error();
  static_cast<void>(is_locked_by_another(next.get()));
  const auto give_up = [&] {
    const std::error_code why = last_system_error();
    static_cast<void>(::unlink(beside.c_str()));
    return why;
  };
  for (std::string_view left = text; !left.empty();) {
    const ssize_t size = ::write(next.get(), left.data(), left.size());
    if (size >= 0)
      left.remove_prefix(static_cast<std::size_t>(size));
    else if (errno != EINTR)
      return give_up();
  }
  if (::fsync(next.get()) != 0 || ::rename(beside.c_str(), name_.c_str()) != 0) return give_up();
  fd_ = std::move(next);
  return {};
}

}  // namespace netlab::scan
