// SPDX-License-Identifier: MIT
// The UDP ports of one host: finds silent ports in spite of the host's rate limit for ICMP errors. No socket, no
// clock.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "scan/classify.hpp"
#include "scan/pace.hpp"

namespace netlab::scan {

struct udp_prober_options {
  std::size_t sources = 1;  ///< local addresses: the host's ICMP limit applies to each separately
  duration timeout = std::chrono::seconds(1);  ///< from a port's last datagram until it counts as silent
  unsigned proofs = 2;  ///< minimum number of times that a port must be silent while ICMP errors were possible
  bool ask_once = false;  ///< ask each port only once, even if it stays unknown
  bool strict_range = false;  ///< ask only ports of the list; without any ICMP error, silent ports are unknown
  bool is_loopback = false;  ///< no ICMP limit, and a negligible round-trip time
  std::size_t burst = 48;  ///< datagrams sent at one moment, without the references
};

/// A Linux host answers a datagram to a closed port with an ICMP error only if it has a token for the sender's
/// address: 6 at first, then one per second (IPv6: depends on its routes and settings). So silence alone proves
/// nothing. But the number of tokens only grows until one is taken: if a port asked *at the same moment, but later*
/// got an ICMP error, each port asked before it would have got one if it were closed. Therefore silent ports are
/// asked in one burst that ends with a port known to be closed (the reference), whenever the host may have a token.
/// Each token either reveals a closed port and proves that all ports asked before it are not closed, or goes to the
/// reference and proves this for all of them. The scan needs about one token per closed port, and one or two more.
///
/// Firewalls and routers send other errors and limit them, too: each kind of error from each sender has its own
/// reference, and a port is open|filtered when it was proved against all of them.
class udp_prober {
 public:
  struct probe {
    std::uint16_t port = 0;
    std::size_t source = 0;
    unsigned attempt = 0;  ///< 0, 1, …: selects the request, if the port has several
    bool at_once = false;  ///< send it right after the previous one, whatever the rate
    bool is_outside = false;  ///< a port outside the list, asked because it is most likely closed
  };
  struct answer {
    std::uint16_t port = 0;
    port_verdict verdict;
    std::optional<duration> rtt;
    std::string reply;
  };

  /// The ports asked besides the list, unless strict_range is set.
  [[nodiscard]] static std::span<const std::uint16_t> outside_ports() noexcept;

  /// Asks the ports in this order.
  udp_prober(const udp_prober_options& options, std::span<const std::uint16_t> ports, time_point now);

  /// The next datagram to send, if one may be sent now; the same until sent() or cannot_send() is called.
  [[nodiscard]] std::optional<probe> next(time_point now);
  /// The datagram was sent, in a call that lasted from `began` to `ended`.
  void sent(const probe& sent_probe, time_point began, time_point ended);

  void replied(std::uint16_t port, bytes_view octets, time_point now);
  /// An ICMP error came, from the host or from a device on the path.
  void refused(std::uint16_t port, std::size_t source, const port_verdict& verdict, time_point now);
  /// This machine refused to send the datagram.
  void cannot_send(const probe& failed, const port_verdict& verdict, time_point now);
  /// Sets the verdict of a port that needs no probe.
  void settle_unasked(std::uint16_t port, const port_verdict& verdict);
  /// The host cannot be reached: sets this verdict for all ports that were asked but are not known.
  void unreachable(const port_verdict& verdict);

  /// The next new result; each port has one.
  [[nodiscard]] std::optional<answer> take_answer();
  /// Handles timeouts. Call it after all pending input was handled, before next().
  void tick(time_point now);
  /// When to call tick() and next() again.
  [[nodiscard]] time_point wake(time_point now) const;
  [[nodiscard]] bool done() const noexcept { return left_ == 0; }
  [[nodiscard]] std::size_t left() const noexcept { return left_; }

  /// The ports whose answers were not taken yet, ascending.
  [[nodiscard]] std::vector<std::uint16_t> unreported() const;

  /// The scan ends early: all ports that are not known become unknown.
  void abandon();
  /// ... with this verdict.
  void abandon(const port_verdict& verdict);

 private:
  static constexpr std::size_t max_kinds = 6;  // further ones count as the last
  static constexpr std::uint32_t none = 0xffffffff;

  struct entry {
    std::uint16_t port = 0;
    bool known = false;
    std::array<std::uint8_t, max_kinds> proofs{};  // by kind: how often it was silent although such an error came
    unsigned attempts = 0;
    std::uint32_t place = 0;  // in its burst
    time_point began{};  // start of the last call that sent it
    time_point sent{};  // end of that call
  };
  /// ICMP errors for one reason from one sender, which share a rate limit.
  struct error_kind {
    reason why = reason::port_unreachable;
    std::optional<address> sender;
    std::uint16_t reference = 0;  // a port that is answered with this error
    unsigned unanswered = 0;  // probes to the reference without an answer since the last such error
    std::optional<time_point> unanswered_since;
    time_point asked{};
    time_point asked_before{};
    time_point blurred_until = time_point::min();  // until then an answer may belong to an earlier probe
  };
  /// The state of the host's limits for one local address.
  struct view {
    std::vector<std::uint32_t> burst;  // in this order: indexes of entries_, then references
    std::size_t sent = 0;  // the number of items sent
    bool is_asking = false;
    bool has_begun = false;  // something of it was sent
    bool is_early = false;  // sent early, in case tokens are left
    bool reference_answered = false;
    std::array<std::size_t, max_kinds> proved{};  // by kind: the number of items from the front that were evaluated
    std::array<unsigned, max_kinds> errors{};  // by kind: errors since the burst began
    unsigned errors_before = 0;  // in the previous burst, of the most frequent kind
    std::array<std::pair<time_point, time_point>, max_kinds> reference_sent{};  // counted from the end of the burst
    unsigned rotation = 0;  // which reference comes first
    time_point began{};
    time_point last_sent{};
    time_point next_burst{};
    time_point last_token{};
    std::optional<duration> period;  // token interval, slightly overestimated
    time_point counted_from{};  // when the period was found; `tokens` counts from then on
    unsigned tokens = 0;
    unsigned slow_bursts = 0;  // of one port, that took longer than a moment; bursts that took less count down again
  };
  enum class phase : std::uint8_t {
    survey,  // asks all ports, to find those that answer
    bursts,  // asks silent ports together with references
    waiting,  // asks nothing more
  };

  [[nodiscard]] std::uint32_t find(std::uint16_t port) const noexcept;
  [[nodiscard]] std::size_t kind_of(const port_verdict& verdict, std::uint16_t port);
  [[nodiscard]] bool is_proven(const entry& asked_port) const;
  [[nodiscard]] port_verdict verdict_of_silence(const entry& asked_port) const;
  [[nodiscard]] duration answer_time() const { return rtt_.timeout(); }
  [[nodiscard]] duration burst_time(const view& from) const;
  [[nodiscard]] duration survey_time() const;
  [[nodiscard]] duration same_moment(const view& from) const;
  [[nodiscard]] unsigned proofs_needed() const;
  [[nodiscard]] static duration until_next_burst(const view& from);
  [[nodiscard]] bool wants_outside_port() const;
  void settle(std::uint32_t which, const port_verdict& verdict, std::optional<duration> rtt, std::string reply);
  void settle_unknown(const port_verdict& verdict);
  void settle_silent(time_point now);
  [[nodiscard]] bool answers_latest(error_kind& kind, time_point now) const;
  void prove(view& from, std::size_t kind, std::uint16_t port, time_point now);
  [[nodiscard]] std::size_t place_in_burst(const view& from, std::uint16_t port) const noexcept;
  void begin_survey(time_point now);
  void end_survey(time_point now);
  void begin_bursts(time_point now);
  void begin_waiting();
  void begin_burst(view& from, time_point now);
  void end_burst(view& from, time_point now);
  void plan_next_burst(view& from, time_point now);
  void fit_burst_size(view& from);
  [[nodiscard]] bool has_ended(const view& from, time_point now) const;
  [[nodiscard]] time_point end_of_survey() const;
  void give_up_kinds(time_point now);

  udp_prober_options options_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> by_port_;  // entries ordered by port
  std::vector<view> views_;
  std::vector<error_kind> kinds_;
  std::deque<std::uint32_t> open_;  // not known, and in no burst; the next to be asked is at the front
  std::deque<std::uint32_t> silent_;  // asked often enough, but their timeout has not passed yet
  std::deque<answer> answers_;
  rtt_estimator rtt_;
  loss_estimate loss_;
  phase phase_ = phase::survey;
  unsigned surveys_ = 0;
  time_point survey_began_{};
  std::vector<std::uint16_t> outside_;
  std::size_t outside_sent_ = 0;
  std::size_t burst_limit_;
  std::size_t left_ = 0;
};

}  // namespace netlab::scan
