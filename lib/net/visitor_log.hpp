// SPDX-License-Identifier: MIT
// What a service tells of its visitors, line by line, so that no peer can fill a disk or a terminal; and their number.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/bounded_log.hpp"
#include "net/client_counts.hpp"
#include "net/datagram.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

/// Each tells what the one before tells, too.
enum class log_detail : std::uint8_t {
  refusals,     ///< what went wrong, at a bounded rate
  visits,       ///< each connection when it has ended and each datagram, at that rate
  connections,  ///< each connection when it begins and when it ends, whatever their number
};

struct visitor_totals {
  std::uint64_t connections = 0;
  std::uint64_t refused = 0;      ///< requests and datagrams without an answer
  std::uint64_t turned_away = 0;  ///< connections beyond max_clients
};

/// Of one service. From any thread. Lines name the service (if it has a name), the transport and the peer.
class visitor_log {
 public:
  using line_function = bounded_log::line_function;

  explicit visitor_log(line_function write, log_detail detail = log_detail::refusals, std::string_view service = {});

  [[nodiscard]] visitor_totals totals() const;
  /// Whether visited() shows anything.
  [[nodiscard]] bool tells_visits() const noexcept { return detail_ >= log_detail::visits; }

  /// A peer has connected.
  void arrived(const tcp::endpoint& peer, const tcp::endpoint& local);
  /// Its connection has ended. `account`: what it was given, `3 answers`; `since`: when it connected.
  void left(const tcp::endpoint& peer, const result<void>& how, std::string_view account, time_point since);
  /// There was no room for it.
  void turned_away(const tcp::endpoint& peer, const client_bound& reached);

  /// A datagram was taken. `account()` gives the end of the line, `5 octets echoed`, if there will be one.
  template <class Account>
  void visited(const datagram& request, Account account) {
    if (!tells_visits()) return;
    lines_.tell(request.arrived, [&] { return line(transport::udp, to_string(request.peer), ": ", account()); });
  }

  /// A request on a connection has no answer. `why`: safe to show.
  void refused(transport protocol, std::string_view peer, std::string_view why);
  /// A datagram has none. `why()` gives the reason, if there will be a line.
  template <class Why>
  void refused(const datagram& request, Why why) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    lines_.tell(request.arrived, [&] { return line(transport::udp, to_string(request.peer), " refused: ", why()); });
  }

  /// Something that no peer is told of.
  void trouble(std::string_view what);

  /// Says how many lines were not shown, if there are any left to be told of.
  void finish();

 private:
  [[nodiscard]] std::string line(transport protocol, std::string_view peer, std::string_view separator,
                                 std::string_view what) const;

  log_detail detail_;
  std::string prefix_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> turned_away_{0};
  bounded_log lines_;
};

}  // namespace netlab::net
