// SPDX-License-Identifier: MIT
// A child process whose stdout and stderr are pipes. It ends at the latest with its object.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"

namespace netlab::lab {

class child_process {
 public:
  /// Octets kept of each output; the rest is dropped.
  static constexpr std::size_t max_output = std::size_t{1} << 20;

  /// `path` is a file name; PATH is not searched. `environment`: `NAME=VALUE` each, instead of our own. stdin is
  /// /dev/null. The child gets SIGTERM if the calling thread ends before it.
  [[nodiscard]] static result<child_process> start(const std::string& path, std::vector<std::string> words,
                                                   std::vector<std::string> environment);
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  /// Sends SIGTERM if the child still runs, SIGKILL if that does not end it, and waits for its end.
  ~child_process();

  /// Reads available output without blocking. Returns the wait status (waitpid(2)) once the child has ended.
  [[nodiscard]] std::optional<int> poll();
  [[nodiscard]] const std::string& out() const noexcept { return out_; }
  [[nodiscard]] const std::string& err() const noexcept { return err_; }

 private:
  child_process() = default;
  static void take(const net::unique_fd& from, std::string& to);
  bool reap(int flags);

  pid_t process_ = -1;  // -1: ended and waited for
  int status_ = 0;
  net::unique_fd out_reader_;
  net::unique_fd err_reader_;
  std::string out_;
  std::string err_;
};

}  // namespace netlab::lab
