// SPDX-License-Identifier: MIT
// The TCP connect scan, which needs no privileges. It drives its sockets itself: a coroutine per port would cost more
// than the probe.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/fd.hpp"
#include "scan/classify.hpp"
#include "scan/io/engine_loop.hpp"
#include "scan/io/socket.hpp"
#include "scan/services.hpp"
#include "scan/shard.hpp"
#include "scan/sweep.hpp"
#include "scan/talk.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct tcp_options {
  std::vector<std::uint16_t> ports;
  std::uint64_t seed = 0;
  shard part;
  unsigned thread = 0;  ///< below `threads`: the share of the part that this engine asks
  unsigned threads = 1;
  bool in_order = false;        ///< keep the exact order of the seed; needs a single engine
  std::size_t parallel = 1000;  ///< maximum number of connections, including conversations
  double rate = 0;              ///< SYNs per second; 0: adapts to the path
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until it counts as silent
  std::optional<unsigned> retries;  ///< none: one, or more if answers get lost
  std::vector<address> sources;     ///< local addresses, used in turn; empty: the system chooses
  talk_options talk;
  std::vector<std::uint64_t> skipped;    ///< places of targets that are never asked; ascending
  std::optional<sweep_checkpoint> from;  ///< continue from there; must satisfy fits()
};

class tcp_connect_engine final : public engine {
 public:
  /// References must outlive it. `number` is its index in run().
  tcp_connect_engine(tcp_options options, const target_set& targets, const service_names& services, poller& on,
                     unsigned number, const scan_output& output);
  ~tcp_connect_engine() override;
  /// Whether an engine with the same targets and options can have made options.from.
  [[nodiscard]] static bool fits(const tcp_options& options, std::uint64_t targets);

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  void save(scan_checkpoint& to) const override;
  [[nodiscard]] engine_progress progress() const override;

 private:
  struct connection {
    net::unique_fd fd;
    bool is_v6 = false;
    bool in_poller = false;
    std::uint64_t target = 0;
    std::size_t source = 0;  ///< place in options_.sources
  };
  struct attempt {
    std::uint32_t connection = none;  // none: this slot is free
    std::uint64_t item = 0;
    bool is_control = false;
  };
  struct conversation {
    net::unique_fd fd;
    std::uint64_t item = 0;
    finding found;
    scan::talk words;
    bool wants_room = false;  // to send the rest of the message
    time_point deadline = never;
  };
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::uint64_t talk_bit = std::uint64_t{1} << 40;  // marks a poller key as a conversation's number

  void launch(const sweep::probe& probe, time_point now);
  [[nodiscard]] std::uint32_t take_connection(std::uint64_t target, const address& to);
  /// The next of options_.sources of the same family; 0 if there is none.
  [[nodiscard]] std::size_t next_source(bool is_v6);
  void release_connection(std::uint32_t which, bool can_connect_again);
  /// Checks the outcome of connect().
  void look(std::uint32_t slot, time_point now, bool is_first_look);
  /// Waits for events from the poller.
  void watch(std::uint32_t slot, time_point now);
  /// The system lacks a port, a descriptor, memory or an address for it.
  void handle_shortage(std::uint32_t slot, int error, time_point now);
  /// This machine has no route to the target, at least not now.
  void cannot_reach(std::uint32_t slot, int error, time_point now);
  void refused(std::uint32_t slot, int system_error, time_point now);
  void established(std::uint32_t slot, time_point now);
  void conclude(std::uint32_t slot, const port_verdict& verdict, sweep::answer answer, time_point now);
  [[nodiscard]] bool is_own_reflection(std::uint32_t slot);
  void repeat(std::uint32_t slot);
  /// Closes the connections that the sweep has released.
  void close_released();
  void report_concluded();
  void continue_talk(std::uint64_t number);
  void wait_until(std::uint64_t number, time_point deadline);
  void report_talk(conversation& dialogue);
  void end_talk(std::uint64_t number);
  [[nodiscard]] finding describe(std::uint64_t item) const;
  [[nodiscard]] finding describe(std::uint64_t item, const port_verdict& verdict) const;

  tcp_options options_;
  const target_set& targets_;
  const service_names& services_;
  poller& on_;
  unsigned number_;
  const scan_output& output_;
  own_addresses own_;
  sweep sweep_;
  std::vector<attempt> attempts_;  // by the sweep's slot
  std::vector<connection> connections_;
  std::vector<std::uint32_t> slot_of_;  // by connection
  std::vector<std::uint32_t> unused_;   // connections without a socket
  std::vector<std::vector<std::uint32_t>> idle_;  // by source: with a socket that was refused and can connect again
  std::vector<bool> was_reached_;                 // targets to which a SYN was sent; empty if there are too many
  std::optional<address> last_reached_;
  std::unordered_map<std::uint64_t, std::unique_ptr<conversation>> talks_;
  std::set<std::pair<time_point, std::uint64_t>> talk_deadlines_;
  std::uint64_t next_talk_ = 0;
  std::size_t graceful_closes_ = 0;
  std::size_t next_source_ = 0;
  unsigned near_ = 1;  // above 0: answers arrive so fast that a second connect() at once is worth it
  unsigned not_looked_ = 0;
  std::uint64_t sent_ = 0;
  std::optional<time_point> shortage_since_;  // since when resources are missing that none of ours can free
};

}  // namespace netlab::scan
