// SPDX-License-Identifier: MIT
// Converts the targets that a user names into the addresses to scan.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "frame/console.hpp"
#include "net/endpoint.hpp"
#include "scan/io/routed_blocks.hpp"
#include "scan/targets.hpp"

namespace netlab::app {

using target_list = std::vector<scan::target_spec>;

/// Parses one word of the command line: targets separated by commas, or `@FILE` with one target per word. Fails with
/// errc::usage, errc::no_input or errc::bad_data; an error in a file is reported with its line.
[[nodiscard]] result<target_list> parse_targets(std::string_view word, scan::target_use use = scan::target_use::scan);

/// The addresses of each name, as text; none: it did not resolve.
using resolved_names = std::map<std::string, std::vector<std::string>>;

struct target_choice {
  target_list wanted;
  target_list excluded;
  net::family restrict_to = net::family::any;
  /// The same on every machine: this machine's broadcast addresses stay in the set, and are only named in `skipped`.
  bool is_portable = false;
  std::optional<resolved_names> known_names;  ///< instead of a look-up
  /// The addresses that it finds are not scanned. Each block of them is reported: as a failure if it is a whole target,
  /// else as a note. Null: all are scanned. Must outlive the planner.
  scan::routed_blocks* reserved = nullptr;
};

struct target_plan {
  scan::target_set set;
  bool has_ipv4 = false;
  bool has_ipv6 = false;
  std::vector<scan::address> skipped;  ///< addresses of the set that must not be scanned from this machine
  std::size_t failed = 0;  ///< targets that are not in the set; each was reported
  std::optional<netlab::failure> first;  ///< the first failure
};

/// Resolves the names in parallel until the deadline. A target that does not resolve is reported on stderr, and the
/// others are kept. A name in --exclude that does not resolve is a failure, because its host might be scanned.
///
/// The scan need not wait for the slowest name: the first plan has the targets known soon, the second one the rest.
class target_planner {
 public:
  target_planner(target_choice chosen, time_point deadline, console& out);
  ~target_planner();

  /// All targets, in one plan.
  [[nodiscard]] result<target_plan> all();
  /// The addresses of the names, after all().
  [[nodiscard]] resolved_names names() const;

  /// Targets known at once or within `soon`; empty only if no name is pending.
  [[nodiscard]] result<target_plan> first(duration soon);
  /// The number of names that the first plan did not wait for.
  [[nodiscard]] std::size_t pending() const noexcept;
  /// The targets with these names, without those of the first plan.
  [[nodiscard]] result<target_plan> rest();

 private:
  class state;
  std::unique_ptr<state> state_;
};

}  // namespace netlab::app
