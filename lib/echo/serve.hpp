// SPDX-License-Identifier: MIT
// The echo server (RFC 862): TCP and UDP on one port number.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "net/service.hpp"

namespace netlab::echo {

struct server_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;
  bool log_connections = false;
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t datagrams = 0;    ///< echoed
  std::uint64_t octets = 0;       ///< echoed, over both transports; of ended connections
  std::uint64_t ignored = 0;      ///< datagrams from a service's port
  std::uint64_t turned_away = 0;
};

/// Datagrams from a port below 1024, or from the port it serves itself, get no echo: two services that answer
/// everything (echo, chargen, a DNS server's errors) would answer each other for ever once somebody forges one datagram
/// (CERT CA-1996-01).
class server final : public net::service_handler {
 public:
  using log_function = std::function<void(const std::string&)>;

  server(server_parameters parameters, log_function log);

  [[nodiscard]] net::service_limits limits() const;
  [[nodiscard]] server_totals totals() const;

  std::unique_ptr<machine> open(const net::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& how) override;
  bytes full(const net::tcp::endpoint& peer) override;
  bool answer(const net::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override;

 private:
  void log(const std::string& line);

  server_parameters parameters_;
  log_function log_;
  std::mutex log_mutex_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> datagrams_{0};
  std::atomic<std::uint64_t> octets_{0};
  std::atomic<std::uint64_t> ignored_{0};
  std::atomic<std::uint64_t> turned_away_{0};
};

}  // namespace netlab::echo
