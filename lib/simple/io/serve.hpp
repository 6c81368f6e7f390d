// SPDX-License-Identifier: MIT
// One of the simple services, over TCP and UDP on one port number.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "serve/service.hpp"
#include "serve/visitor_log.hpp"
#include "simple/reply_limit.hpp"
#include "simple/services.hpp"

namespace netlab::simple {

struct server_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;
  serve::log_detail detail = serve::log_detail::refusals;
  std::string_view log_name = {};                ///< starts each log line
  wall_clock_function wall_clock = {};         ///< called from any thread; empty: the system's clock
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t datagrams = 0;  ///< answered, or discarded by discard
  std::uint64_t octets = 0;     ///< echoed, discarded or sent; those of a connection are added when it has ended
  std::uint64_t ignored = 0;    ///< datagrams from a service's port, or above the rate of one address
  std::uint64_t turned_away = 0;
};

/// Does not answer datagrams from a service's port (serve::is_from_service). Daytime and time answer an empty datagram
/// with more octets, and its source address may be forged. So one address (IPv6: one /64) gets at most 20 replies a
/// second: an attacker can direct at most 1.5 kB a second to a victim.
class server final : public serve::handler {
 public:
  /// `which` must outlive it.
  server(const service& which, server_parameters parameters, serve::visitor_log::line_function write);

  [[nodiscard]] server_totals totals() const;

  [[nodiscard]] serve::limits limits() const override;
  [[nodiscard]] std::string conclude() override;
  std::unique_ptr<machine> open(const serve::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& outcome) override;
  bytes full(const net::tcp::endpoint& peer, const serve::client_bound& reached) override;
  bool answer(const serve::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override;

 private:
  /// `5 octets sent`
  [[nodiscard]] std::string log_text(std::uint64_t octets) const;
  [[nodiscard]] bool may_answer(const serve::datagram& request);

  const service& service_;
  server_parameters parameters_;
  serve::visitor_log log_;
  std::mutex limit_mutex_;
  std::optional<reply_limit> limit_;  // if the service limits its replies
  std::atomic<std::uint64_t> datagrams_{0};
  std::atomic<std::uint64_t> octets_{0};
};

}  // namespace netlab::simple
