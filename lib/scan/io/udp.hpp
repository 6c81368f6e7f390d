// SPDX-License-Identifier: MIT
// The UDP scan. It needs no privileges, because the socket's error queue has the ICMP messages.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scan/io/engine_loop.hpp"
#include "scan/io/network_watch.hpp"
#include "scan/io/socket.hpp"
#include "scan/io/udp_sockets.hpp"
#include "scan/pace.hpp"
#include "scan/services.hpp"
#include "scan/shard.hpp"
#include "scan/targets.hpp"
#include "scan/udp_order.hpp"
#include "scan/udp_prober.hpp"

namespace netlab::scan {

struct udp_options {
  std::vector<std::uint16_t> ports;
  std::uint64_t seed = 0;
  shard part;
  double rate = 0;  ///< datagrams per second; 0: adapts to the path
  duration timeout = std::chrono::seconds(1);
  std::optional<unsigned> retries;  ///< none: one, or more if datagrams get lost; 0: each port is asked once
  std::vector<address> sources;     ///< local addresses; the target's ICMP limit applies to each separately
  std::string message;              ///< for ports without a request of their own; may be empty
  bool strict_range = false;        ///< never asks other ports, not even to find a closed one
  std::vector<std::uint64_t> skipped;  ///< places of targets that are never asked; ascending
  std::optional<udp_checkpoint> from;  ///< continue from there; must satisfy fits()
};

class udp_engine final : public engine {
 public:
  /// References must outlive it. Fails with the system's error if a socket cannot be opened or bound.
  [[nodiscard]] static result<std::unique_ptr<udp_engine>> make(udp_options options, const target_set& targets,
                                                                const service_names& services, poller& on,
                                                                unsigned number, const scan_output& output);

  /// Whether an engine with the same targets and options can have made options.from.
  [[nodiscard]] static bool fits(const udp_options& options, std::uint64_t targets);

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  void save(scan_checkpoint& to) const override;
  [[nodiscard]] engine_progress progress() const override;

 private:
  struct host {
    std::uint64_t target = 0;
    address to;
    std::size_t ports = 0;  // of the part
    std::unique_ptr<udp_prober> prober;
    bool has_answered = false;
    bool was_announced = false;                   // the user was told that a port outside the list is asked
    std::optional<time_point> failing_since;      // this machine has not been able to send to it since then
    std::optional<time_point> unreachable_since;  // a host that answered before has not answered ARP or ND since then
    time_point held_until = time_point::min();
  };
  enum class send_result : std::uint8_t { done, queue_full, failed };

  udp_engine(udp_options options, const target_set& targets, const service_names& services, const scan_output& output);
  [[nodiscard]] bool has_hosts() const noexcept;  // to begin
  void begin_hosts(time_point now);
  void begin_host(std::uint64_t target, const std::vector<std::uint16_t>& ports, time_point now);
  void settle_own_ports(host& of);
  [[nodiscard]] const udp_channel* channel_for(const host& to, const udp_prober::probe& probe) const noexcept;
  [[nodiscard]] send_result send(host& to, const udp_prober::probe& probe);
  void cannot_send(host& to, const udp_prober::probe& probe, int error, time_point now);
  void take_error(const udp_channel& from, const net::queued_error& error, time_point now);
  void read_replies(const udp_channel& from, time_point now);
  [[nodiscard]] bool send_next(host& to, unsigned& count, time_point& now);
  [[nodiscard]] host* find(const address& of) noexcept;
  [[nodiscard]] bool is_own_socket(const socket_address& end) const noexcept;
  void report(host& of);

  udp_options options_;
  const target_set& targets_;
  const service_names& services_;
  const scan_output& output_;
  own_addresses own_;
  network_watch network_;
  rate_limit limit_;
  udp_order order_;
  std::vector<udp_channel> channels_;
  std::vector<std::byte> datagram_;  // room for the largest datagram
  std::vector<host> hosts_;  // being scanned
  std::uint64_t next_host_ = 0;
  std::size_t next_open_ = 0;  // of options_.from
  std::uint64_t finished_ = 0;  // ports
  std::uint64_t sent_ = 0;
  time_point blocked_until_ = time_point::min();
  std::optional<time_point> blocked_since_;
};

}  // namespace netlab::scan
