// SPDX-License-Identifier: MIT
// The five services of 1983 (RFC 862 to 864, 867, 868), and what distinguishes them.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/visit.hpp"
#include "simple/wall_clock.hpp"

namespace netlab::simple {

/// Returns the time of day. Only services that send the time call it.
using wall_clock_function = std::function<wall_time()>;

struct service {
  std::string_view verb;           ///< in the totals, what it did with the octets that it counts: `echoed`
  std::string_view log_suffix;     ///< in the log line of a peer, after `5 octets`
  std::size_t max_datagram = 1;    ///< octets of a datagram that it needs
  bool over_udp = true;            ///< takes datagrams
  bool sends_without_end = false;  ///< until the peer closes the connection
  bool limits_replies = false;     ///< as a reply may be longer than its request: see reply_limit
  /// A session over TCP. `idle_timeout`: how long a peer may be idle; 0: no limit.
  std::unique_ptr<visit> (*open)(duration idle_timeout, time_point now, const wall_clock_function& wall_clock);
  /// Appends the reply to a datagram. Null: it is never answered.
  void (*reply)(bytes& to, bytes_view request, const wall_clock_function& wall_clock) = nullptr;
};

/// RFC 864, only over TCP: over UDP, one octet with a forged source address would send hundreds to a victim.
extern const service chargen;
extern const service daytime;  ///< RFC 867
extern const service discard;  ///< RFC 863
extern const service echo;     ///< RFC 862
extern const service time;     ///< RFC 868

}  // namespace netlab::simple
