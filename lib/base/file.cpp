// SPDX-License-Identifier: MIT
#include "base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

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

std::vector<std::string_view> text_lines(std::string_view text) {
  text = without_byte_order_mark(text);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string_view> lines = split(text, '\n');
  for (std::string_view& line : lines)
    if (line.ends_with('\r')) line.remove_suffix(1);
  return lines;
}

}  // namespace netlab
