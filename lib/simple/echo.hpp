// SPDX-License-Identifier: MIT
// The echo protocol's server side over TCP (RFC 862): sends back everything until the peer closes.
#pragma once

#include <utility>

#include "base/visit.hpp"

namespace netlab::simple {

class echo_session final : public listening_visit {
 public:
  /// `idle_timeout`: how long a peer may send nothing; 0: no limit.
  echo_session(duration idle_timeout, time_point now) : listening_visit(idle_timeout, now) {}

  bytes take_output() override { return std::exchange(output_, {}); }

 private:
  void take(bytes_view from_peer) override { append(output_, from_peer); }

  bytes output_;
};

}  // namespace netlab::simple
