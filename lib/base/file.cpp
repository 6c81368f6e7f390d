// SPDX-License-Identifier: MIT
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/result.hpp"
#include "base/text.hpp"

namespace netlab {

file_text read_all(int fd, std::size_t limit) {
  std::string text;
  std::array<char, 64 * 1024> buffer;  // NOLINT: filled by read
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size == 0) return text;
    if (size < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(last_system_error());
    }
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > limit) return std::unexpected(std::make_error_code(std::errc::file_too_large));
  }
}

file_text read_file(const std::string& name, std::size_t limit) {
  // The system would stop at a NUL and open a file with a shorter name.
  if (name.find('\0') != std::string::npos)
    return std::unexpected(std::make_error_code(std::errc::no_such_file_or_directory));
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::unexpected(last_system_error());
  auto text = read_all(fd, limit);
  ::close(fd);
  return text;
}

std::error_code replace_file(const std::string& name, std::string_view text, mode_t mode) {
  std::string beside = name + ".XXXXXX";
  const int fd = ::mkostemp(beside.data(), O_CLOEXEC);
  if (fd < 0) return last_system_error();
  bool good = ::fchmod(fd, mode) == 0;
  while (good && !text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    good = size > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(size));
  }
  good = good && ::fsync(fd) == 0 && ::rename(beside.c_str(), name.c_str()) == 0;
  const std::error_code why = good ? std::error_code() : last_system_error();
  ::close(fd);
  if (!good) ::unlink(beside.c_str());
  return why;
}

std::vector<std::string_view> text_lines(std::string_view text) {
  text = without_byte_order_mark(text);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string_view> lines = split(text, '\n');
  for (std::string_view& line : lines)
    if (line.ends_with('\r')) line.remove_suffix(1);
  return lines;
}

}  // namespace netlab
