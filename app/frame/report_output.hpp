// SPDX-License-Identifier: MIT
// The output of a report, which an option may direct to a file.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "frame/console.hpp"

namespace netlab::app {

/// Writes a report to stdout or to a file.
class report_output {
 public:
  explicit report_output(console& out) : out_(out) {}
  ~report_output() {
    if (fd_ >= 0) ::close(fd_);
  }
  report_output(const report_output&) = delete;
  report_output& operator=(const report_output&) = delete;

  [[nodiscard]] result<void> open(const std::string& file) {
    if (file.empty() || file == "-") return {};
    name_ = file;
    fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0)
      return unexpected(failure{make_error_code(errc::cannot_create),
                                fmt::format("create {}", escape(file, 200)),
                                message_of(last_system_error()),
                                {}});
    return {};
  }

  void write(std::string_view text) {
    if (fd_ < 0) return out_.raw(text);
    buffer_ += text;
    if (buffer_.size() >= limit) flush();
  }

  void flush() {
    if (fd_ < 0) return out_.flush();
    std::string_view left = buffer_;
    while (!left.empty() && !error_) {
      const ssize_t written = ::write(fd_, left.data(), left.size());
      if (written >= 0)
        left.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EINTR)
        error_ = last_system_error();
    }
    buffer_.clear();
  }

  [[nodiscard]] bool is_lost() const { return fd_ < 0 ? out_.output_lost() : error_ != std::error_code(); }

  [[nodiscard]] result<void> close() {
    flush();
    if (fd_ < 0) return {};
    if (::close(std::exchange(fd_, -1)) != 0 && !error_) error_ = last_system_error();
    if (error_)
      return unexpected(failure{
          make_error_code(errc::output_lost), fmt::format("write {}", escape(name_, 200)), message_of(error_), {}});
    return {};
  }

 private:
  static constexpr std::size_t limit = 64 * 1024;
  console& out_;
  std::string name_;
  int fd_ = -1;
  std::string buffer_;
  std::error_code error_;
};

}  // namespace netlab::app
