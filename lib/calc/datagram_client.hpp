// SPDX-License-Identifier: MIT
// The client's side over UDP: matches answers by ID and retransmits unanswered requests.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "calc/client.hpp"

namespace netlab::calc {

class datagram_client {
 public:
  /// Each request is retransmitted up to `retries` times, at even intervals within `timeout`, its total time.
  datagram_client(byte_order order, duration timeout, unsigned retries)
      : order_(order), timeout_(timeout), retries_(retries) {}

  /// The ID must differ from those of all outstanding requests.
  void submit(std::uint64_t tag, request asked, time_point now);
  void receive(bytes_view datagram, time_point now);
  /// The system reported an ICMP error for this destination: fails all outstanding requests.
  void fail_all(const failure& why, time_point now);
  /// A router or the local network reported the destination as unreachable, which may be temporary (RFC 1122 §3.2.2.1).
  /// Fails requests that have no retransmission left. The others are retransmitted and fail with this error if they get
  /// no answer, unless any answer has arrived since.
  void unreachable(const failure& why, time_point now);
  void tick(time_point now);

  /// Datagrams to send now; each is returned once.
  [[nodiscard]] std::vector<bytes> take_output() { return std::exchange(output_, {}); }
  /// What has become of requests since the last call; each outcome is returned once.
  [[nodiscard]] std::vector<outcome> take_outcomes() { return std::exchange(outcomes_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const;
  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_.size(); }

 private:
  struct waiting {
    std::uint64_t tag = 0;
    request asked;
    time_point since;
    time_point next_send;
    unsigned sends = 1;
  };
  using map = std::map<std::uint32_t, waiting>;
  void finish(map::iterator which, result<std::int32_t> value, time_point now);
  void send(const request& asked);

  byte_order order_;
  duration timeout_;
  unsigned retries_;
  std::optional<failure> unreachable_;
  map outstanding_;
  std::set<std::uint32_t> finished_;  // IDs of finished requests, whose answers may arrive again
  std::deque<std::uint32_t> finished_in_order_;
  std::vector<bytes> output_;
  std::vector<outcome> outcomes_;
};

}  // namespace netlab::calc
