// SPDX-License-Identifier: MIT
// One of the small services over TCP and UDP: what it does with its peers.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "net/service.hpp"
#include "net/visitor_log.hpp"
#include "small/reply_limit.hpp"
#include "small/wall_clock.hpp"

namespace netlab::small {

enum class kind : std::uint8_t {
  chargen,  ///< RFC 864, over TCP alone: over UDP it would answer an octet with hundreds, wherever that came from
  daytime,  ///< RFC 867
  discard,  ///< RFC 863
  time,     ///< RFC 868
};

[[nodiscard]] std::string_view name_of(kind which) noexcept;

struct server_parameters {
  duration idle_timeout = std::chrono::minutes(5);
  std::size_t max_clients = 10'000;
  net::log_detail detail = net::log_detail::refusals;
  std::string_view log_name = {};                ///< stands before its lines
  std::function<wall_time()> wall_clock = {};    ///< called from any thread; none: the system's clock
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t datagrams = 0;  ///< answered, or thrown away by discard
  std::uint64_t octets = 0;     ///< thrown away, or said; of ended connections
  std::uint64_t ignored = 0;    ///< datagrams from a service's port, and what one address sent too much
  std::uint64_t turned_away = 0;
};

/// Daytime and time answer a datagram with more octets than an empty one has, to an address that anyone can forge. So
/// none from a service's port is answered, and of those from one address (of IPv6: from one /64) 20 a second: whoever
/// abuses it sends at most a victim 1.5 kB a second.
class server final : public net::service_handler {
 public:
  server(kind which, server_parameters parameters, net::visitor_log::line_function write);

  [[nodiscard]] net::service_limits limits() const;
  [[nodiscard]] server_totals totals() const;
  /// The totals as a line, and what the log still owes before it.
  [[nodiscard]] std::string conclude();

  std::unique_ptr<machine> open(const net::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& how) override;
  bytes full(const net::tcp::endpoint& peer, const net::client_bound& reached) override;
  bool answer(const net::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override;

 private:
  [[nodiscard]] bytes words() const;
  [[nodiscard]] bool may_answer(const net::datagram& request);

  kind kind_;
  server_parameters parameters_;
  net::visitor_log log_;
  std::mutex limit_mutex_;
  reply_limit limit_;
  std::atomic<std::uint64_t> datagrams_{0};
  std::atomic<std::uint64_t> octets_{0};
};

}  // namespace netlab::small
