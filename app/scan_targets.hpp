// SPDX-License-Identifier: MIT
// What a user calls the hosts to scan, and which addresses that are.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "console.hpp"
#include "net/endpoint.hpp"
#include "scan/targets.hpp"

namespace netlab::app {

using target_list = std::vector<scan::target_spec>;

/// One word of the command line: targets with commas between, or `@FILE` with one a word. Fails with errc::usage,
/// errc::no_input or errc::bad_data; what is wrong in a file is named with the line.
[[nodiscard]] result<target_list> parse_targets(std::string_view word, scan::target_use use = scan::target_use::scan);

struct target_choice {
  target_list wanted;
  target_list excluded;
  net::family restrict_to = net::family::any;
};

struct target_plan {
  scan::target_set set;
  bool has_ipv4 = false;
  bool has_ipv6 = false;
  std::size_t failed = 0;                ///< names that did not resolve, each reported
  std::optional<netlab::failure> first;  ///< the first of them
};

/// Looks the names up, side by side, until the deadline. A target that does not resolve is reported on stderr, and the
/// others are kept; one that shall be left out and does not resolve is a failure: it might be scanned.
///
/// Nobody waits for the slowest name: the first plan has what is known soon, the second what was still looked up.
class target_planner {
 public:
  target_planner(target_choice chosen, time_point deadline, console& out);
  ~target_planner();

  /// What is known at once and within `soon`; never empty while something is still looked up.
  [[nodiscard]] result<target_plan> first(duration soon);
  /// Names that the first plan did not wait for.
  [[nodiscard]] std::size_t pending() const noexcept;
  /// These; without what the first plan has.
  [[nodiscard]] result<target_plan> rest();

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace netlab::app
