// SPDX-License-Identifier: MIT
// The echo server (RFC 862): TCP and UDP on one port number.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "net/service.hpp"
#include "net/visitor_log.hpp"

namespace netlab::echo {

struct server_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;
  net::log_detail detail = net::log_detail::refusals;
  std::string_view log_name = {};  ///< starts each log line
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t datagrams = 0;    ///< echoed
  std::uint64_t octets = 0;       ///< echoed over TCP and UDP; TCP counts when a connection has ended
  std::uint64_t ignored = 0;      ///< datagrams from a service's port
  std::uint64_t turned_away = 0;
};

/// Does not answer datagrams from a port below 1024, or from its own port number.
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
  server_parameters parameters_;
  net::visitor_log log_;
  std::atomic<std::uint64_t> datagrams_{0};
  std::atomic<std::uint64_t> octets_{0};
};

}  // namespace netlab::echo
