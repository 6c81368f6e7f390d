// SPDX-License-Identifier: MIT
// The TCP scan without privilege: it connects. It drives its sockets itself: a coroutine a port costs more than the
// port does.
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
#include "scan/run.hpp"
#include "scan/services.hpp"
#include "scan/socket.hpp"
#include "scan/sweep.hpp"
#include "scan/talk.hpp"
#include "scan/targets.hpp"

namespace netlab::scan {

struct tcp_options {
  std::vector<std::uint16_t> ports;
  std::uint64_t seed = 0;
  unsigned shard = 0;        ///< below `shards`: this engine's share of the ports
  unsigned shards = 1;
  bool in_order = false;        ///< the seed's order is kept exactly, so that one engine asks all
  std::size_t parallel = 1000;  ///< most connections at a time, conversations included
  double rate = 0;              ///< SYNs a second; 0: as the path bears
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until its silence counts
  std::optional<unsigned> retries;  ///< none: one, and more where answers get lost
  std::vector<address> sources;     ///< local addresses, used in turn; none: the system's choice
  talk_options talk;
};

class tcp_connect_engine final : public engine {
 public:
  /// All but `how` must outlive it. `number` is its place in run().
  tcp_connect_engine(tcp_options how, const target_set& targets, const service_names& services, poller& on,
                     unsigned number, const scan_output& output);
  ~tcp_connect_engine() override;

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  [[nodiscard]] engine_progress progress() const override;

 private:
  struct connection {
    net::unique_fd fd;
    bool is_v6 = false;
    bool in_poller = false;
    std::uint64_t target = 0;
    std::size_t source = 0;  ///< place in how_.sources
  };
  struct attempt {
    std::uint32_t connection = none;  // none: this slot is free
    std::uint64_t item = 0;
    bool is_control = false;
  };
  struct conversation {
    net::unique_fd fd;
    finding what;
    scan::talk words;
    bool wants_room = false;  // to send the rest of the message
    time_point deadline = never;
  };
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::uint64_t talk_bit = std::uint64_t{1} << 40;  // of a poller key: a conversation's number

  void launch(const sweep::probe& what, time_point now);
  [[nodiscard]] std::uint32_t take_connection(std::uint64_t target, const address& to);
  /// The next of how_.sources that is of the family; 0 where there is none.
  [[nodiscard]] std::size_t next_source(bool is_v6);
  void release_connection(std::uint32_t which, bool can_connect_again);
  /// Asks the socket how it went; `wait`: nothing is known yet.
  void look(std::uint32_t slot, time_point now, bool is_first_look);
  /// News of it will come from the poller.
  void watch(std::uint32_t slot, time_point now);
  /// The system lacked a port, a descriptor or memory for it, or an address.
  void lacking(std::uint32_t slot, int error, time_point now);
  /// This machine has no way to the target, at least not at the moment.
  void cannot_reach(std::uint32_t slot, int error, time_point now);
  void refused(std::uint32_t slot, int system_error, time_point now);
  void established(std::uint32_t slot, time_point now);
  void conclude(std::uint32_t slot, const port_verdict& verdict, sweep::answer what, time_point now);
  [[nodiscard]] bool is_own_reflection(std::uint32_t slot);
  void repeat(std::uint32_t slot);
  /// Closes the connections that the sweep needs no more.
  void close_released();
  void tell_concluded();
  void continue_talk(std::uint64_t number);
  void wait_until(std::uint64_t number, time_point deadline);
  void tell(conversation& one);
  void end_talk(std::uint64_t number);
  [[nodiscard]] finding describe(std::uint64_t item) const;
  [[nodiscard]] finding describe(std::uint64_t item, const port_verdict& verdict) const;

  tcp_options how_;
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
  std::vector<std::vector<std::uint32_t>> idle_;  // by source: with one that was refused and can connect again
  std::vector<bool> was_reached_;                 // targets that a SYN has left for, where they are few
  std::optional<address> last_reached_;
  std::unordered_map<std::uint64_t, std::unique_ptr<conversation>> talks_;
  std::set<std::pair<time_point, std::uint64_t>> talk_deadlines_;
  std::uint64_t next_talk_ = 0;
  std::size_t farewells_ = 0;
  std::size_t next_source_ = 0;
  unsigned near_ = 1;  // answers were there when the call returned: more such looks are worth it
  unsigned not_looked_ = 0;
  std::uint64_t sent_ = 0;
  std::optional<time_point> lacking_since_;  // nothing of ours has been under way that could have freed anything
};

}  // namespace netlab::scan
