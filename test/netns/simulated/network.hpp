// SPDX-License-Identifier: MIT
// The hosts of a simulated network: takes a packet and returns the answers by the rules. No socket, no clock.
#pragma once

#include <map>
#include <random>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "simulated/packet.hpp"
#include "simulated/rules.hpp"

namespace netlab::test {

class network {
 public:
  struct delivery {
    time_point due;
    packet octets;
  };

  explicit network(std::vector<host_rule> hosts) : hosts_(std::move(hosts)) {}

  /// The answers to a packet, with the time of arrival of each; `asked` is parse_packet(octets).
  [[nodiscard]] std::vector<delivery> answer(const segment& asked, std::string_view octets, time_point now);

 private:
  struct less {
    bool operator()(const scan::address& one, const scan::address& other) const noexcept {
      return std::pair(one.is_v6, one.high) < std::pair(other.is_v6, other.high) ||
             (one.is_v6 == other.is_v6 && one.high == other.high && one.low < other.low);
    }
  };
  struct bucket_key {
    const limit_rule* limit;
    scan::address host;
    scan::address peer;
    bool operator<(const bucket_key& other) const noexcept {
      if (limit != other.limit) return limit < other.limit;
      if (host != other.host) return less{}(host, other.host);
      return less{}(peer, other.peer);
    }
  };

  [[nodiscard]] const host_rule* find(const scan::address& host);
  /// True if the host's limits allow this answer.
  [[nodiscard]] bool passes_limits(const scan::address& host, answer_kind kind, const scan::address& peer,
                                   time_point now);
  [[nodiscard]] bool is_lost(const host_rule& host) { return std::bernoulli_distribution(host.loss)(random_); }
  [[nodiscard]] duration delay_of(const delay_range& range);

  std::vector<host_rule> hosts_;
  std::map<scan::address, const host_rule*, less> found_;  // results of find()
  std::map<bucket_key, token_bucket> buckets_;
  std::mt19937_64 random_{1};  // NOLINT: the same numbers each time
};

}  // namespace netlab::test
