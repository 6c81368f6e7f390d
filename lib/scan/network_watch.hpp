// SPDX-License-Identifier: MIT
// Whether this machine's own network changes while a scan goes on.
#pragma once

#include <set>
#include <string>

#include "base/time.hpp"

namespace netlab::scan {

/// An interface that goes up or down, an address that comes or goes: then what fails on this machine may work again in
/// a moment.
class network_watch {
 public:
  /// Looks at the interfaces.
  network_watch();
  /// Whether they have ever been others since then. The system is asked ten times a second at most.
  [[nodiscard]] bool has_changed(time_point now);

 private:
  std::set<std::string> first_;  // interfaces with their flags and addresses
  time_point next_look_ = time_point::min();
  bool has_changed_ = false;
};

}  // namespace netlab::scan
