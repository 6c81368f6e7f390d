// SPDX-License-Identifier: MIT
// Connects two machines in memory, with a network between them that cuts the streams at random.
#pragma once

#include <random>
#include <string>

#include "base/machine.hpp"

namespace netlab::test {

/// Carries octets in both directions until both ends are done or have nothing to send. An end that is done has closed:
/// the other one gets eof(). Time stands still.
class pair {
 public:
  /// `longest`: the most octets delivered at once; 0: no limit.
  pair(machine& one, machine& other, time_point now, std::uint32_t seed = 1, std::size_t longest = 0)
      : ends_{{one, {}, {}}, {other, {}, {}}}, now_(now), random_(seed), longest_(longest) {}

  /// Returns false if the machines do not stop sending: they answer each other forever.
  [[nodiscard]] bool run() {
    for (int turn = 0; turn < 1'000'000; ++turn) {
      const bool moved = carry(ends_[0], ends_[1]);
      if (!carry(ends_[1], ends_[0]) && !moved) return true;
    }
    return false;
  }

  /// All octets sent by the first or the second end.
  [[nodiscard]] const std::string& said(std::size_t which) const { return ends_[which].said; }

 private:
  struct end {
    machine& session;
    std::string under_way;  // sent, not yet delivered
    std::string said;
    bool closed = false;  // the other end got eof()
  };

  bool carry(end& from, end& to) {
    const bytes fresh = from.session.take_output();
    from.under_way += as_text(fresh);
    from.said += as_text(fresh);
    if (!from.under_way.empty()) {
      std::size_t length = from.under_way.size();
      if (longest_ != 0) length = std::min<std::size_t>(length, 1 + random_() % longest_);
      if (!to.session.done()) to.session.feed(as_bytes(std::string_view(from.under_way).substr(0, length)), now_);
      from.under_way.erase(0, length);
      return true;
    }
    if (!from.session.done() || from.closed) return false;
    from.closed = true;
    if (!to.session.done()) to.session.eof(now_);
    return true;
  }

  end ends_[2];
  time_point now_;
  std::minstd_rand random_;
  std::size_t longest_;
};

}  // namespace netlab::test
