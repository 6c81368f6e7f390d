// SPDX-License-Identifier: MIT
// The calculation server: TCP and UDP on one port number; binary and text requests.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "calc/session.hpp"
#include "serve/service.hpp"
#include "serve/visitor_log.hpp"

namespace netlab::calc {

struct server_parameters {
  session_parameters session;
  std::size_t max_clients = 10'000;
  serve::log_detail detail = serve::log_detail::refusals;
  std::string_view log_name = {};  ///< starts each log line
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t answered = 0;      ///< requests over TCP and UDP
  std::uint64_t refused = 0;       ///< requests without an answer
  std::uint64_t turned_away = 0;   ///< connections beyond max_clients
};

/// The handler of the calculation service, which `serve::service` runs. Requests without an answer are counted, and
/// logged with the peer and the reason, rate-limited.
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
  class observed_session;

  server_parameters parameters_;
  serve::visitor_log log_;
  std::atomic<std::uint64_t> answered_{0};
};

}  // namespace netlab::calc
