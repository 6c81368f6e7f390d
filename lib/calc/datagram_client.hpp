// SPDX-License-Identifier: MIT
// The client's side over UDP: requests are told apart by ID, and sent again while no answer comes.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "calc/client.hpp"

namespace netlab::calc {

class datagram_client {
 public:
  /// Each request is sent `retries` times more, evenly within `timeout`, which is the time for all of them.
  datagram_client(byte_order order, duration timeout, unsigned retries, outcome_handler on_outcome);

  /// The ID must not be that of another outstanding request.
  void submit(std::uint64_t tag, request what, time_point now);
  void receive(bytes_view datagram, time_point now);
  /// The system reported an error for this destination (ICMP): ends what is outstanding with it.
  void fail_all(const failure& why, time_point now);
  /// The network says that the destination cannot be reached, which may pass (RFC 1122 §3.2.2.1): ends what has been
  /// sent for the last time. What is sent again, and has no answer in the end, ends with it too, unless any answer has
  /// come since.
  void unreachable(const failure& why, time_point now);
  void tick(time_point now);

  /// Datagrams to be sent now, handed over once.
  [[nodiscard]] std::vector<bytes> take_output() { return std::exchange(output_, {}); }
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
  void report(map::iterator which, result<std::int32_t> value, time_point now);
  void send(const request& what);

  byte_order order_;
  duration timeout_;
  unsigned retries_;
  outcome_handler on_outcome_;
  std::optional<failure> unreachable_;
  map outstanding_;
  std::set<std::uint32_t> finished_;  // IDs whose answer may come a second time
  std::deque<std::uint32_t> finished_in_order_;
  std::vector<bytes> output_;
};

}  // namespace netlab::calc
