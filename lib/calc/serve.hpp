// SPDX-License-Identifier: MIT
// The calculation server: TCP and UDP on one port number, binary and text.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "base/token_bucket.hpp"
#include "calc/session.hpp"
#include "net/service.hpp"

namespace netlab::calc {

struct server_parameters {
  session_parameters session;
  std::size_t max_clients = 10'000;
  bool log_connections = false;
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t answered = 0;      ///< requests, over both transports
  std::uint64_t refused = 0;       ///< requests without an answer
  std::uint64_t turned_away = 0;   ///< connections beyond max_clients
};

/// What the calculation service does with peers; `net::service` brings them. A request without an answer
/// is counted, and logged with the peer and the reason at a bounded rate.
class server final : public net::service_handler {
 public:
  /// Called with whole lines from any worker's thread, one call at a time.
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
  class observed_session;
  void refused(net::transport protocol, const std::string& peer, std::string_view why);
  void log(const std::string& line);
  void log_bounded(const std::string& line);

  server_parameters parameters_;
  log_function log_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> turned_away_{0};
  std::mutex log_mutex_;
  token_bucket log_rate_;
  std::uint64_t unlogged_ = 0;
};

}  // namespace netlab::calc
