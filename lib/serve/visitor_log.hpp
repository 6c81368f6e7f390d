// SPDX-License-Identifier: MIT
// A service's log of its peers, rate-limited so that no peer can fill a disk or a terminal; and their number.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/endpoint.hpp"
#include "serve/bounded_log.hpp"
#include "serve/client_counts.hpp"
#include "serve/datagram_responder.hpp"

namespace netlab::serve {

/// Each level includes the one before.
enum class log_detail : std::uint8_t {
  refusals,     ///< failures, rate-limited
  visits,       ///< the end of each connection and each datagram, rate-limited
  connections,  ///< the start and the end of each connection, without limit
};

struct visitor_totals {
  std::uint64_t connections = 0;
  std::uint64_t refused = 0;      ///< requests and datagrams without an answer
  std::uint64_t turned_away = 0;  ///< connections beyond max_clients
};

/// The log of one service; may be used from any thread. Lines have the service's name, if any, the transport and the
/// peer.
class visitor_log {
 public:
  using line_function = bounded_log::line_function;

  explicit visitor_log(line_function write, log_detail detail = log_detail::refusals, std::string_view service = {});

  [[nodiscard]] visitor_totals totals() const;
  /// True if visited() may write a line.
  [[nodiscard]] bool tells_visits() const noexcept { return detail_ >= log_detail::visits; }

  /// True if arrived() writes a line; otherwise it does not use `local`.
  [[nodiscard]] bool tells_connections() const noexcept { return detail_ >= log_detail::connections; }

  /// A peer has connected.
  void arrived(const net::tcp::endpoint& peer, const net::tcp::endpoint& local);
  /// A connection has ended. `account`: what the peer got, `3 answers`; `since`: when it connected.
  void left(const net::tcp::endpoint& peer, const result<void>& outcome, std::string_view account, time_point since);
  /// A peer was turned away because a limit was reached.
  void turned_away(const net::tcp::endpoint& peer, const client_bound& reached);

  /// A datagram was accepted. `account()` gives the end of the line, `5 octets echoed`; called only if the line is
  /// shown.
  template <class Account>
  void visited(const datagram& request, Account account) {
    if (!tells_visits()) return;
    lines_.tell(request.arrived,
                [&] { return line(net::transport::udp, net::to_string(request.peer), ": ", account()); });
  }

  /// A request on a connection was not answered. `why`: safe to show.
  void refused(net::transport protocol, std::string_view peer, std::string_view why);
  /// A datagram was not answered. `why()` gives the reason; called only if the line is shown.
  template <class Why>
  void refused(const datagram& request, Why why) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    lines_.tell(request.arrived,
                [&] { return line(net::transport::udp, net::to_string(request.peer), " refused: ", why()); });
  }

  /// A local problem that no peer is told about.
  void trouble(std::string_view message);

  /// Reports lines not shown since the last report, if there are any.
  void finish();

 private:
  [[nodiscard]] std::string line(net::transport protocol, std::string_view peer, std::string_view separator,
                                 std::string_view text) const;

  log_detail detail_;
  std::string prefix_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> turned_away_{0};
  bounded_log lines_;
};

}  // namespace netlab::serve
