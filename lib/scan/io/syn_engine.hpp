// SPDX-License-Identifier: MIT
// The stateless half-open scan: sends SYNs and receives the answers through packet sockets, without the kernel's TCP;
// needs CAP_NET_RAW.
//
// The kernel knows nothing of these SYNs. It therefore answers each SYN-ACK with a reset (RFC 9293 §3.10.7.1: there is
// no such connection), which is what the scan wants anyway: the target forgets the half-open connection at once.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "scan/cookie.hpp"
#include "scan/io/engine_loop.hpp"
#include "scan/io/packet_socket.hpp"
#include "scan/io/route_lookup.hpp"
#include "scan/io/socket.hpp"
#include "scan/neighbours.hpp"
#include "scan/order.hpp"
#include "scan/services.hpp"
#include "scan/shard.hpp"
#include "scan/syn_checkpoint.hpp"
#include "scan/syn_pace.hpp"
#include "scan/syn_sweep.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct syn_options {
  std::vector<std::uint16_t> ports;
  std::uint64_t seed = 0;
  shard part;
  double rate = 0;       ///< packets a second; 0: adapts to the path
  double bandwidth = 0;  ///< bits a second on the wire; 0: no limit
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until it counts as silent
  std::optional<unsigned> retries;  ///< none: one, or more if answers get lost
  std::vector<address> sources;     ///< local addresses, used in turn; empty: the system chooses
  std::vector<std::uint64_t> skipped;  ///< places of targets that are never asked, ascending; they get no finding
  std::optional<syn_checkpoint> from;  ///< continue from there
};

class syn_engine final : public engine {
 public:
  /// References must outlive it. `number` is its index in run(). Fails with errc::not_permitted without CAP_NET_RAW,
  /// with errc::bad_data if the checkpoint does not belong to these targets, else with the system's error.
  [[nodiscard]] static result<std::unique_ptr<syn_engine>> make(syn_options options, const target_set& targets,
                                                                const service_names& services, poller& on,
                                                                unsigned number, const scan_output& output);

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  [[nodiscard]] engine_progress progress() const override;
  [[nodiscard]] std::optional<failure> trouble() const override { return trouble_; }

  void save(scan_checkpoint& to) const override { to.syn = sweep_.checkpoint(clock::now()); }

 private:
  /// A packet of the batch and its probe.
  struct planned {
    std::optional<syn_sweep::probe> probe;  // none: a request for a link-layer address
    bool was_postponed = false;
  };
  /// The target and the port at a place.
  struct spot {
    std::uint64_t item = 0;    // as of order_
    std::uint64_t target = 0;  // its place in targets_
    address to;
    std::uint16_t port = 0;
  };

  syn_engine(syn_options options, packet_socket packets, route_lookup routes, std::uint16_t first_port,
             const target_set& targets, const service_names& services, const scan_output& output, time_point now);

  [[nodiscard]] spot spot_of(std::uint64_t place) const;
  [[nodiscard]] std::optional<address> source_for(std::uint64_t item, bool is_v6) const;
  /// The largest packet so far, on Ethernet.
  [[nodiscard]] std::size_t wire_octets() const noexcept { return syn_writer::on_ethernet(is_v6_ ? 64 : 44); }
  [[nodiscard]] const syn_writer& writer_for(const address& from);

  void fill(time_point now);
  void prepare(const syn_sweep::probe& probe, bool was_postponed, time_point now);
  void ask_neighbour(const neighbour_table::key& who, time_point now);
  void flush(time_point now);
  void cannot_send(const planned& packet, int error, time_point now);
  void receive(time_point now);
  void take_answer(const syn_answer& answer, time_point received);
  void learn(std::uint32_t interface, const neighbour_answer& answer, time_point now);
  void tick(time_point now);
  void look_at_links(time_point now, bool at_once);
  void adapt(time_point now);
  void report(const spot& where, const port_verdict& verdict, std::optional<duration> rtt = {});
  void report_silent();

  syn_options options_;
  packet_socket packets_;
  route_lookup routes_;
  std::uint16_t first_port_;
  const target_set& targets_;
  const service_names& services_;
  const scan_output& output_;
  siphash_key key_;
  permutation order_;
  syn_sweep sweep_;
  syn_pace pace_;
  neighbour_table neighbours_;
  own_addresses own_;
  std::vector<std::uint32_t> place_of_port_;  // its place in options_.ports; `no_port`: not asked
  std::vector<std::pair<address, syn_writer>> writers_;
  std::vector<outgoing_packet> batch_;
  std::vector<planned> batch_plan_;
  std::deque<syn_sweep::probe> resolved_;  // their neighbours are known now
  rtt_estimator rtt_;
  loss_estimate loss_;
  bool is_v6_ = false;  // a probe went over IPv6
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
