// SPDX-License-Identifier: MIT
// The stateless scan: sends probes and receives the answers through packet sockets, without the kernel's TCP and UDP;
// needs CAP_NET_RAW.
//
// The kernel knows nothing of these probes. It therefore answers each SYN-ACK with a reset (RFC 9293 §3.10.7.1: there
// is no such connection). This helps: the target forgets the half-open connection at once. For replies to datagrams,
// see scan/udp_probes.hpp.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scan/io/engine_loop.hpp"
#include "scan/io/packet_socket.hpp"
#include "scan/io/route_lookup.hpp"
#include "scan/io/socket.hpp"
#include "scan/neighbours.hpp"
#include "scan/order.hpp"
#include "scan/probe_module.hpp"
#include "scan/services.hpp"
#include "scan/shard.hpp"
#include "scan/stateless_checkpoint.hpp"
#include "scan/stateless_pace.hpp"
#include "scan/stateless_sweep.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct stateless_options {
  transport protocol = transport::tcp;
  std::vector<std::uint16_t> ports;
  std::uint64_t seed = 0;
  shard part;
  double rate = 0;       ///< packets a second; 0: adapts to the path
  double bandwidth = 0;  ///< bits a second on the wire; 0: no limit
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until it counts as silent
  std::optional<unsigned> retries;  ///< none: one, or more if answers get lost
  std::vector<address> sources;     ///< local addresses, used in turn; empty: the system chooses
  std::string message;              ///< for UDP ports without a request of their own
  std::vector<std::uint64_t> skipped;  ///< places of targets that are never asked, ascending; they get no finding
  std::optional<stateless_checkpoint> from;  ///< continue from there
};

class stateless_engine final : public engine {
 public:
  /// References must outlive it. `number` is its index in run(). Fails with errc::not_permitted without CAP_NET_RAW,
  /// with errc::usage if the message is too long for a packet, with errc::bad_data if the checkpoint does not belong to
  /// these targets, else with the system's error.
  [[nodiscard]] static result<std::unique_ptr<stateless_engine>> make(stateless_options options,
                                                                      const target_set& targets,
                                                                      const service_names& services, poller& on,
                                                                      unsigned number, const scan_output& output);

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  [[nodiscard]] engine_progress progress() const override;
  [[nodiscard]] std::optional<failure> trouble() const override { return trouble_; }

  void save(scan_checkpoint& to) const override;

 private:
  /// A packet of the batch and its probe.
  struct planned {
    std::optional<stateless_sweep::probe> probe;  // none: a request for a link-layer address
    bool was_postponed = false;
  };
  /// The target and the port at a place.
  struct spot {
    std::uint64_t item = 0;  // as of order_
    std::uint64_t target = 0;  // its place in targets_
    address to;
    std::uint16_t port = 0;
  };

  stateless_engine(stateless_options options, std::unique_ptr<probe_module> probes, packet_socket packets,
                   route_lookup routes, const target_set& targets, const service_names& services,
                   const scan_output& output, time_point now);

  [[nodiscard]] spot spot_of(std::uint64_t place) const;
  [[nodiscard]] std::optional<address> source_for(std::uint64_t item, bool is_v6) const;

  void fill(time_point now);
  void prepare(const stateless_sweep::probe& probe, bool was_postponed, time_point now);
  void ask_neighbour(const neighbour_table::key& who, time_point now);
  void flush(time_point now);
  void cannot_send(const planned& packet, int error, time_point now);
  void receive(time_point now);
  void take_answer(const probe_answer& answer, time_point received);
  void learn(std::uint32_t interface, const neighbour_answer& answer, time_point now);
  void tick(time_point now);
  void look_at_links(time_point now, bool at_once);
  void adapt(time_point now);
  [[nodiscard]] finding describe(const spot& where, const port_verdict& verdict) const;
  void report(const spot& where, const port_verdict& verdict) { output_.found(describe(where, verdict)); }
  void report_silent();

  stateless_options options_;
  std::unique_ptr<probe_module> probes_;
  packet_socket packets_;
  route_lookup routes_;
  const target_set& targets_;
  const service_names& services_;
  const scan_output& output_;
  permutation order_;
  stateless_sweep sweep_;
  stateless_pace pace_;
  neighbour_table neighbours_;
  own_addresses own_;
  std::vector<std::uint32_t> place_of_port_;  // its place in options_.ports; `no_port`: not asked
  std::vector<outgoing_packet> batch_;
  std::vector<planned> batch_plan_;
  std::deque<stateless_sweep::probe> resolved_;  // their neighbours are known now
  rtt_estimator rtt_;
  loss_estimate loss_;
  std::size_t largest_ = on_ethernet(0);  // of the packets so far
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t on_time_ = 0;  // answers to first probes, since the rate was last lowered
  std::uint64_t delayed_ = 0;  // answers to repeated ones
  unsigned halvings_ = 0;
  time_point next_look_;
  time_point next_adaption_;
  std::optional<failure> trouble_;
};

}  // namespace netlab::scan
