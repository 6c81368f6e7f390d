// SPDX-License-Identifier: MIT
// The output of a report, which an option may direct to a file.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
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

  /// `keep`: so many octets of the existing file are kept, and the rest is cut off. Fails with errc::cannot_create, and
  /// with errc::bad_data if the file is shorter than that.
  [[nodiscard]] result<void> open(const std::string& file, std::uint64_t keep = 0) {
    if (file.empty() || file == "-") return {};
    name_ = file;
    fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | (keep == 0 ? O_TRUNC : 0) | O_CLOEXEC, 0666);
    const auto cannot = [&](errc code, std::string why) {
      return unexpected(
          failure{make_error_code(code), fmt::format("create {}", escape(file, 200)), std::move(why), {}});
    };
    if (fd_ < 0) return cannot(errc::cannot_create, message_of(last_system_error()));
    struct stat about{};
    is_regular_ = ::fstat(fd_, &about) == 0 && S_ISREG(about.st_mode);
    if (keep == 0) return {};
    if (!is_regular_ || static_cast<std::uint64_t>(about.st_size) < keep)
      return unexpected(failure{make_error_code(errc::bad_data),
                                fmt::format("append to {}", escape(file, 200)),
                                fmt::format("it has fewer than {} octets", keep),
                                {}});
    if (::ftruncate(fd_, static_cast<off_t>(keep)) != 0 || ::lseek(fd_, 0, SEEK_END) < 0)
      return cannot(errc::cannot_create, message_of(last_system_error()));
    size_ = keep;
    return {};
  }

  /// An ordinary file, to which another run can append.
  [[nodiscard]] bool is_regular() const noexcept { return is_regular_; }
  /// The octets in the file, after flush().
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Waits until they are on the disk.
  void sync() const noexcept {
    if (is_regular_) static_cast<void>(::fdatasync(fd_));
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
      if (written >= 0) {
        left.remove_prefix(static_cast<std::size_t>(written));
        size_ += static_cast<std::uint64_t>(written);
      } else if (errno != EINTR) {
        error_ = last_system_error();
      }
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
  bool is_regular_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace netlab::app
