// SPDX-License-Identifier: MIT
// When the kernel retransmits a SYN, and how many SYNs the attempts of a scan therefore cost.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.hpp"

namespace netlab::scan {

/// RFC 6298 §2: after one second, then after twice as long each time. Since version 6.5 Linux first retransmits
/// net.ipv4.tcp_syn_linear_timeouts times at intervals of one second before it doubles them.
class syn_schedule {
 public:
  explicit constexpr syn_schedule(unsigned linear = 0) noexcept : linear_(linear) {}

  /// Time from the SYN to its n-th retransmission; n from 1.
  [[nodiscard]] constexpr duration repetition(unsigned n) const noexcept {
    duration at{};
    duration gap = first_gap;
    for (unsigned done = 0; done < n; ++done) {
      at += gap;
      if (done + 1 > linear_) gap = std::min(2 * gap, longest_gap);
    }
    return at;
  }
  /// Retransmissions sent before a socket is closed after this time.
  [[nodiscard]] constexpr unsigned repetitions_before(duration closed) const noexcept {
    unsigned count = 0;
    while (repetition(count + 1) < closed) ++count;
    return count;
  }

 private:
  static constexpr duration first_gap = std::chrono::seconds(1);    // TCP_TIMEOUT_INIT
  static constexpr duration longest_gap = std::chrono::seconds(120);  // TCP_RTO_MAX
  unsigned linear_;
};

/// Divides the attempts at a silent port into connections, if each SYN counts: against a rate, or against a fixed
/// number of retries. Without such a number every connection is kept for the timeout. With it, only the last one is
/// kept as long as its retransmissions are among the retries; a socket cannot be kept longer without the kernel
/// retransmitting its SYN.
class attempt_plan {
 public:
  attempt_plan(const syn_schedule& kernel, duration timeout, std::optional<unsigned> retries) {
    const unsigned wanted = kernel.repetitions_before(timeout);
    const unsigned most = retries.value_or(wanted);
    last_ = {std::min(wanted, most), {}};
    last_.kept = kept_with(kernel, timeout, last_.repetitions);
    earlier_ = retries ? connection{0, kept_with(kernel, timeout, 0)} : last_;
    if (retries) connections_ = 1 + *retries - last_.repetitions;
  }

  struct connection {
    unsigned repetitions = 0;  ///< of its SYN by the kernel
    duration kept{};           ///< from its SYN until the socket is closed
  };
  /// For attempt 1, 2, ….
  [[nodiscard]] const connection& at(unsigned attempt) const noexcept {
    return attempt < connections_ ? earlier_ : last_;
  }
  /// Connections made to a silent port; 1 without a fixed number of retries.
  [[nodiscard]] unsigned connections() const noexcept { return connections_; }

 private:
  // The kernel's timer is never early, but this program may be late.
  static constexpr duration margin = std::chrono::milliseconds(20);
  static duration kept_with(const syn_schedule& kernel, duration timeout, unsigned repetitions) {
    return std::min(timeout, kernel.repetition(repetitions + 1) - margin);
  }

  connection earlier_;
  connection last_;
  unsigned connections_ = 1;
};

}  // namespace netlab::scan
