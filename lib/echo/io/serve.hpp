// SPDX-License-Identifier: MIT
// The echo server (RFC 862): TCP and UDP on one port number.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "serve/service.hpp"
#include "serve/visitor_log.hpp"

namespace netlab::echo {

struct server_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;
  serve::log_detail detail = serve::log_detail::refusals;
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
class server final : public serve::handler {
 public:
  server(server_parameters parameters, serve::visitor_log::line_function write);

  [[nodiscard]] serve::limits limits() const;
  [[nodiscard]] server_totals totals() const;
  /// Finishes the log and returns the totals as a line.
  [[nodiscard]] std::string conclude();

  std::unique_ptr<machine> open(const serve::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& how) override;
  bytes full(const net::tcp::endpoint& peer, const serve::client_bound& reached) override;
  bool answer(const serve::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override;

 private:
  server_parameters parameters_;
  serve::visitor_log log_;
  std::atomic<std::uint64_t> datagrams_{0};
  std::atomic<std::uint64_t> octets_{0};
};

}  // namespace netlab::echo
