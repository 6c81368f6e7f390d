// SPDX-License-Identifier: MIT
// The five services of 1983, and what distinguishes them.
#pragma once

#include <memory>
#include <string_view>

#include "base/visit.hpp"
#include "simple/wall_clock.hpp"

namespace netlab::simple {

struct service {
  std::string_view name;               ///< IANA's
  std::string_view past;               ///< what it has done with the octets that it counts: `echoed`
  std::string_view account;            ///< the same in the log line of a peer, after `5 octets`
  std::size_t max_datagram = 1;        ///< octets of a datagram that it needs
  bool over_udp = true;                ///< takes datagrams
  bool sends_without_end = false;      ///< a connection ends when the peer closes it
  bool limits_replies = false;         ///< a reply may be longer than its request: each address gets few
  /// A session over TCP. `idle_timeout`: how long a peer may be idle; 0: no limit. `date`: the time of day.
  std::unique_ptr<visit> (*open)(duration idle_timeout, time_point now, wall_time date);
  /// Appends the reply to a datagram. Null: it is never answered.
  void (*reply)(bytes& to, bytes_view request, wall_time date) = nullptr;
};

extern const service chargen;  ///< RFC 864, TCP only: over UDP, any forged address would get hundreds of octets for one
extern const service daytime;  ///< RFC 867
extern const service discard;  ///< RFC 863
extern const service echo;  ///< RFC 862
extern const service time;  ///< RFC 868

}  // namespace netlab::simple
