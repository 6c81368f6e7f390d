// SPDX-License-Identifier: MIT
// A pipe whose both ends belong to the test.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "net/fd.hpp"

namespace netlab::test {

struct pipe_ends {
  pipe_ends() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
    reader = net::unique_fd(ends[0]);
    writer = net::unique_fd(ends[1]);
  }
  void write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t size = ::write(writer.get(), text.data(), text.size());
      if (size < 0) throw std::system_error(errno, std::system_category(), "write");
      text.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  net::unique_fd reader;
  net::unique_fd writer;
};

}  // namespace netlab::test
