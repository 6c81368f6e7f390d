// SPDX-License-Identifier: MIT
// The UDP scan: it needs no privilege, because the socket's error queue has the ICMP messages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/fd.hpp"
#include "scan/order.hpp"
#include "scan/pace.hpp"
#include "scan/run.hpp"
#include "scan/services.hpp"
#include "scan/socket.hpp"
#include "scan/targets.hpp"
#include "scan/udp_prober.hpp"

namespace netlab::scan {

struct udp_options {
  std::vector<std::uint16_t> ports;
  std::uint64_t seed = 0;
  double rate = 0;  ///< datagrams a second; 0: as the path bears
  duration timeout = std::chrono::seconds(1);
  std::optional<unsigned> retries;  ///< none: one
  std::vector<address> sources;     ///< local addresses, each with its own share of a target's ICMP limit
  std::string message;              ///< for ports without a request of their own; may be empty
};

class udp_engine final : public engine {
 public:
  /// All but `how` must outlive it. Fails with the system's code where a socket cannot be had or bound.
  [[nodiscard]] static result<std::unique_ptr<udp_engine>> make(udp_options how, const target_set& targets,
                                                                const service_names& services, poller& on,
                                                                unsigned number, const scan_output& output);

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  [[nodiscard]] engine_progress progress() const override;

 private:
  struct channel {
    net::unique_fd fd;
    bool is_v6 = false;
    std::size_t source = 0;
    bool any_port = false;  ///< only for services that answer from another port than the one asked
  };
  struct host {
    std::uint64_t target = 0;
    address to;
    std::unique_ptr<udp_prober> mind;
  };

  udp_engine(udp_options how, const target_set& targets, const service_names& services, const scan_output& output);
  [[nodiscard]] result<void> open(poller& on, unsigned number);
  void begin_hosts(time_point now);
  /// False: the socket's queue is full.
  [[nodiscard]] bool send(host& to, const udp_prober::probe& what, time_point now);
  void take_error(const channel& from, const net::queued_error& error, time_point now);
  void read_replies(const channel& from, time_point now);
  [[nodiscard]] host* find(const address& of) noexcept;
  [[nodiscard]] bool is_what_was_sent(std::string_view reply, std::uint16_t port) const;
  void report(host& of);

  udp_options how_;
  const target_set& targets_;
  const service_names& services_;
  const scan_output& output_;
  own_addresses own_;
  rate_limit limit_;
  permutation host_order_;
  std::vector<channel> channels_;
  std::vector<host> hosts_;  // under way
  std::uint64_t next_host_ = 0;
  std::uint64_t finished_ = 0;  // ports
  std::uint64_t sent_ = 0;
  time_point blocked_until_ = time_point::min();
};

}  // namespace netlab::scan
