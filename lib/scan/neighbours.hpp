// SPDX-License-Identifier: MIT
// Link-layer addresses of the hosts on a link, and the probes that wait for them (RFC 826, RFC 4861 §7). No socket;
// time is an argument.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "scan/neighbour_packet.hpp"
#include "scan/stateless_sweep.hpp"

namespace netlab::scan {

class neighbour_table {
 public:
  /// Hosts in the table; above it the oldest entries are removed and requested again when needed.
  static constexpr std::size_t max_hosts = 65'536;
  /// Probes that may wait for an address. With a timeout of three seconds this allows 20,000 hosts a second, a high
  /// rate for ARP.
  static constexpr std::size_t max_waiting = 65'536;
  static constexpr unsigned max_requests = 3;           // RFC 4861 §10: MAX_UNICAST_SOLICIT
  static constexpr duration request_interval = std::chrono::milliseconds(500);
  static constexpr duration silence_lasts = std::chrono::seconds(20);  // then the host is asked again

  struct key {
    std::uint32_t interface = 0;
    address host;  ///< its scope does not count
    friend auto operator<=>(const key&, const key&) = default;
  };
  enum class state : std::uint8_t { unknown, asking, known, silent };
  struct entry {
    state now = state::unknown;
    mac_address mac{};
  };

  [[nodiscard]] entry find(const key& of, time_point now) const;
  /// Queues a probe that needs the host's address. True: send the first request.
  bool wait(const key& of, const stateless_sweep::probe& probe, time_point now);
  [[nodiscard]] bool is_full() const noexcept { return waiting_ >= max_waiting; }
  [[nodiscard]] bool is_idle() const noexcept { return waiting_ == 0; }

  /// Returns the probes that waited for it. A host without a request is added only if `keep`.
  std::vector<stateless_sweep::probe> learn(const key& of, const mac_address& mac, time_point now, bool keep = false);

  struct event {
    key host;
    bool is_silent = false;  ///< else: ask again
    std::vector<stateless_sweep::probe> probes;  ///< of a silent host, which waited
  };
  /// The next host that is to be asked again or does not answer.
  [[nodiscard]] std::optional<event> tick(time_point now);
  [[nodiscard]] time_point wake() const noexcept { return requests_.empty() ? never : requests_.front().at; }

 private:
  struct host {
    state now = state::asking;
    mac_address mac{};
    unsigned asked = 1;
    unsigned stalls = 0;
    time_point until = never;
    std::vector<stateless_sweep::probe> waiting;
  };
  struct request {
    time_point at;
    key of;
  };
  void make_room();

  std::map<key, host> hosts_;
  std::deque<key> order_;  // as they were added
  std::deque<request> requests_;
  std::size_t waiting_ = 0;
};

}  // namespace netlab::scan
