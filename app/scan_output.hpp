// SPDX-License-Identifier: MIT
// What a scan writes while it goes on: the report to its place, and how far it is to a terminal.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "console.hpp"
#include "scan/run.hpp"

namespace netlab::app {

/// Where the report goes: stdout, or a file.
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

/// Ports that this machine failed to ask: no route, the link down, its own firewall.
class local_failures {
 public:
  void add(const scan::finding& found) {
    ++all_;
    if (found.state != scan::port_state::unknown || found.origin != "local") return;
    if (count_++ > 0) return;
    code_ = {found.system_error, std::system_category()};
    address_ = found.address;
  }
  [[nodiscard]] bool is_any() const noexcept { return count_ > 0; }
  [[nodiscard]] bool is_every_port() const noexcept { return count_ > 0 && count_ == all_; }
  /// Why the scan is incomplete.
  [[nodiscard]] std::string reason() const {
    return fmt::format("{} could not be asked: {}", count_of(count_, "port"), message_of(code_));
  }
  /// The first of them.
  [[nodiscard]] failure first() const { return {code_, "ask " + address_, {}, {}}; }

 private:
  std::uint64_t all_ = 0;
  std::uint64_t count_ = 0;
  std::error_code code_;
  std::string address_;
};

/// How far the scan is, on stderr.
class progress_line {
 public:
  progress_line(bool on_terminal, time_point began) : on_terminal_(on_terminal), began_(began) {}
  ~progress_line() { clear(); }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  [[nodiscard]] std::string text(const scan::engine_progress& now_at, time_point now) const {
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const double share = now_at.all == 0 ? 1 : static_cast<double>(now_at.finished) / static_cast<double>(now_at.all);
    std::string left = "?";
    if (share > 0.001) {
      const auto rest =
          std::chrono::ceil<std::chrono::seconds>(std::chrono::duration<double>(seconds / share - seconds));
      left = netlab::to_string(std::max(rest, std::chrono::seconds(1)));
    }
    return fmt::format("{} of {} ports, {:.0f} %, {:.0f} probes/s, {} left", now_at.finished, now_at.all, share * 100,
                       seconds > 0 ? static_cast<double>(now_at.sent) / seconds : 0, left);
  }
  void show(const scan::engine_progress& now_at, time_point now) {
    if (!on_terminal_ || now - began_ < std::chrono::seconds(1)) return;
    const std::string line = cut_to_columns(text(now_at, now), terminal_width(STDERR_FILENO) - 1);
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
    shown_ = true;
  }
  void clear() {
    if (std::exchange(shown_, false)) std::fputs("\r\x1b[K", stderr);
  }

 private:
  bool on_terminal_;
  time_point began_;
  bool shown_ = false;
};

}  // namespace netlab::app
