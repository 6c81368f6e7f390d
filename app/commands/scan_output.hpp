// SPDX-License-Identifier: MIT
// The output of a scan besides its report: local failures and the progress.
#pragma once

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "frame/report_output.hpp"
#include "scan/io/engine_loop.hpp"
#include "scan/state.hpp"

namespace netlab::app {

/// Counts ports that could not be scanned because of a local failure: no route, the link down, a local firewall.
class local_failures {
 public:
  /// Restores the count of an earlier run.
  void restore(const scan::scan_state& from) {
    all_ = std::accumulate(from.by_state.begin(), from.by_state.end(), std::uint64_t{0});
    count_ = from.not_probed;
    code_ = {from.first_error, std::system_category()};
    address_ = from.first_address;
  }
  void save(scan::scan_state& to) const {
    to.not_probed = count_;
    to.first_error = code_.value();
    to.first_address = address_;
  }
  void add(const scan::finding& found) {
    ++all_;
    if (found.state != scan::port_state::unknown || found.origin != "local") return;
    if (count_++ > 0) return;
    code_ = {found.system_error, std::system_category()};
    address_ = found.address;
  }
  /// Adds silent ports that are reported only as a number.
  void add_others(std::uint64_t count) noexcept { all_ += count; }
  [[nodiscard]] bool is_any() const noexcept { return count_ > 0; }
  [[nodiscard]] bool is_every_port() const noexcept { return count_ > 0 && count_ == all_; }
  /// Why the scan is incomplete.
  [[nodiscard]] std::string reason() const {
    return fmt::format("{} could not be probed: {}", count_of(count_, "port"), message_of(code_));
  }
  /// The first of them.
  [[nodiscard]] failure first() const { return {code_, "probe " + address_, {}, {}}; }

 private:
  std::uint64_t all_ = 0;
  std::uint64_t count_ = 0;
  std::error_code code_;
  std::string address_;
};

/// The progress of the scan, on stderr.
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
