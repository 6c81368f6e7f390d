// SPDX-License-Identifier: MIT
// Detects changes of this machine's network configuration during a scan.
#pragma once

#include <set>
#include <string>

#include "base/time.hpp"

namespace netlab::scan {

/// Watches for interfaces going up or down and addresses being added or removed: then a local failure may be
/// temporary.
class network_watch {
 public:
  /// Records the current interfaces.
  network_watch();
  /// Whether the interfaces have ever changed since then. Queries the system at most ten times a second.
  [[nodiscard]] bool has_changed(time_point now);

 private:
  std::set<std::string> first_;  // interfaces with their flags and addresses
  time_point next_look_ = time_point::min();
  bool has_changed_ = false;
};

}  // namespace netlab::scan
