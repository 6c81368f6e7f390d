// SPDX-License-Identifier: MIT
// The discard protocol over TCP (RFC 863): discards everything until the peer closes.
#pragma once

#include "base/visit.hpp"

namespace netlab::simple {

class discard_session final : public listening_visit {
 public:
  /// `idle_timeout`: how long a peer may send nothing; 0: no limit.
  discard_session(duration idle_timeout, time_point now) : listening_visit(idle_timeout, now) {}

 private:
  void take(bytes_view) override {}
};

}  // namespace netlab::simple
