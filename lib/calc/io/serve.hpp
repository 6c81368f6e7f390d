// SPDX-License-Identifier: MIT
// The calculation server: TCP and UDP on one port number; binary and text requests.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "calc/session.hpp"
#include "net/service.hpp"
#include "net/visitor_log.hpp"

namespace netlab::calc {

struct server_parameters {
  session_parameters session;
  std::size_t max_clients = 10'000;
  net::log_detail detail = net::log_detail::refusals;
  std::string_view log_name = {};  ///< starts each log line
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t answered = 0;      ///< requests over TCP and UDP
  std::uint64_t refused = 0;       ///< requests without an answer
  std::uint64_t turned_away = 0;   ///< connections beyond max_clients
};

/// The handler of the calculation service, which `net::service` runs. Requests without an answer are counted, and
/// logged with the peer and the reason, rate-limited.
class server final : public net::service_handler {
 public:
  server(server_parameters parameters, net::visitor_log::line_function write);

  [[nodiscard]] net::service_limits limits() const;
  [[nodiscard]] server_totals totals() const;
  /// Finishes the log and returns the totals as a line.
  [[nodiscard]] std::string conclude();

  std::unique_ptr<machine> open(const net::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& how) override;
  bytes full(const net::tcp::endpoint& peer, const net::client_bound& reached) override;
  bool answer(const net::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override;

 private:
  class observed_session;

  server_parameters parameters_;
  net::visitor_log log_;
  std::atomic<std::uint64_t> answered_{0};
};

}  // namespace netlab::calc
