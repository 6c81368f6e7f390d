// SPDX-License-Identifier: MIT
// One host's UDP ports, through the keyhole of its ICMP limit. No socket, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "scan/classify.hpp"
#include "scan/pace.hpp"

namespace netlab::scan {

struct udp_prober_options {
  std::size_t sources = 1;  ///< local addresses: the host limits its ICMP to each by itself
  duration timeout = std::chrono::seconds(1);
  unsigned proofs = 2;       ///< how often a port must be silent where a closed one would have been heard, at least;
                             ///< more often where packets get lost
  bool is_loopback = false;  ///< no ICMP limit, and no round trip to speak of
};

/// A Linux host answers a datagram to a closed port with ICMP as long as a token is there for the asking address: 6
/// at first, then one a second (IPv6: as its routes and settings say). So silence alone says nothing. But tokens only
/// become more until one is taken: where a port asked *later* got an ICMP answer, every port asked shortly before it
/// would have had one, were it closed. So silent ports are asked in one burst, a port known to be closed at its end,
/// whenever a token may be there. Each token then either shows a closed port, and proves all asked before it to be not
/// closed, or, taken by the last, proves all of them. The time needed is one token a closed port, and one or two more.
class udp_prober {
 public:
  struct probe {
    std::uint16_t port = 0;
    std::size_t source = 0;
    unsigned attempt = 0;  ///< 0, 1, …: which request, where a port has several
  };
  struct answer {
    std::uint16_t port = 0;
    port_verdict verdict;
    std::optional<duration> rtt;
    std::string reply;
  };

  /// `ports` are asked in this order.
  udp_prober(const udp_prober_options& how, std::span<const std::uint16_t> ports, time_point now);

  /// The next datagram to send, if one may go out now; the same until sent() or cannot_send().
  [[nodiscard]] std::optional<probe> next(time_point now);
  /// It went out. Ask next() again only then.
  void sent(const probe& what, time_point now);

  void replied(std::uint16_t port, bytes_view octets, time_point now);
  void refused(std::uint16_t port, std::size_t source, const port_verdict& verdict, time_point now);
  /// This machine would not send it.
  void cannot_send(const probe& what, const port_verdict& verdict, time_point now);

  /// What has become known since, each port once.
  [[nodiscard]] std::optional<answer> take_answer();
  /// Time passes. Call when all that has come was told, before next().
  void tick(time_point now);
  /// When to call tick() and next() again.
  [[nodiscard]] time_point wake(time_point now) const;
  [[nodiscard]] bool done() const noexcept { return left_ == 0; }
  [[nodiscard]] std::size_t left() const noexcept { return left_; }

  /// The scan ends early: all that is not known yet becomes unknown.
  void abandon();

 private:
  struct entry {
    std::uint16_t port = 0;
    bool known = false;
    unsigned attempts = 0;
    unsigned proofs = 0;
    time_point first_sent{};
    time_point last_sent{};
  };
  /// What one source address sees of the host's limit.
  struct keyhole {
    std::vector<std::uint32_t> burst;  // asked at once, in this order; `reference` is the closed port
    std::size_t to_send = 0;           // of them, the next
    std::size_t proved = 0;            // so many from the front were counted
    unsigned heard = 0;                // ICMP answers to this burst
    unsigned heard_before = 0;         // and to the one before it
    bool under_way = false;
    time_point last_sent{};
    time_point next_burst{};
    time_point last_token{};
    std::optional<duration> period;  // between tokens, and a little more
    time_point counted_from{};       // when it was found; since then so many tokens came
    unsigned tokens = 0;
  };
  static constexpr std::uint32_t reference = 0xffffffff;

  [[nodiscard]] std::uint32_t find(std::uint16_t port) const noexcept;
  [[nodiscard]] duration answer_time() const;
  [[nodiscard]] duration burst_time(const keyhole& through) const;
  [[nodiscard]] duration blast_time() const;
  [[nodiscard]] duration reply_time() const;
  [[nodiscard]] unsigned proofs_needed() const;
  [[nodiscard]] duration until_next_burst(keyhole& through) const;
  void settle(std::uint32_t which, const port_verdict& verdict, std::optional<duration> rtt, std::string reply);
  void heard_in(keyhole& through, std::uint32_t which, time_point now);
  void begin_burst(keyhole& through, time_point now);
  void end_burst(keyhole& through, time_point now);
  void end_blast(time_point now);
  void settle_proven(time_point now);
  void settle_rest(port_state state, reason why, int system_error);

  udp_prober_options how_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> by_port_;  // entries in the order of their ports
  std::vector<keyhole> keyholes_;
  std::deque<std::uint32_t> open_;      // not known, and in no burst; the next to be asked first
  std::vector<std::uint32_t> proven_;   // silent as often as wished; a late reply may still come
  std::deque<answer> answers_;
  rtt_estimator rtt_;
  bool in_blast_ = true;
  unsigned blasts_ = 0;
  time_point blast_began_{};
  std::uint16_t reference_ = 0;  // the closed port; 0: none is known
  std::vector<std::uint16_t> strangers_;  // not asked for, but perhaps closed
  std::size_t strangers_sent_ = 0;
  time_point last_heard_{};      // ICMP, from any source
  std::size_t left_ = 0;
  loss_estimate loss_;
};

}  // namespace netlab::scan
