// SPDX-License-Identifier: MIT
// One host's UDP ports, whose silence means something only within the host's limit on ICMP errors. No socket, no clock.
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
  std::size_t sources = 1;  ///< local addresses: the host limits its ICMP errors to each separately
  duration timeout = std::chrono::seconds(1);  ///< silence is a verdict only so long after a port's last datagram
  unsigned proofs = 2;  ///< how often a port must be silent where an ICMP error would have come, at least; more
                        ///< often where packets get lost
  bool ask_once = false;  ///< no port is asked again, whatever stays unknown by that
  bool strict_range = false;  ///< no port is asked but those of the list; without any ICMP error all silent ones are
                              ///< unknown
  bool is_loopback = false;  ///< no ICMP limit, and no round trip to speak of
  std::size_t burst = 48;  ///< so many datagrams may leave at one moment, and a few more
};

/// A Linux host answers a datagram to a closed port with ICMP as long as a token is there for the asking address: 6 at
/// first, then one a second (IPv6: as its routes and settings say). So silence alone says nothing. But tokens only
/// become more until one is taken: where a port asked *at the same moment, but later* got an ICMP error, every port
/// before it would have had one, were it closed. So silent ports are asked in one burst, a port known to be closed (the
/// reference) at its end, whenever a token may be there. Each token then either shows a closed port, and proves all
/// asked before it to be not closed, or, taken by the last, proves all of them. The time needed is one token a closed
/// port, and one or two more.
///
/// Firewalls and routers send other errors, and limit them likewise: each kind of error from each sender has a
/// reference of its own, and a port is called open|filtered when it was proved against every one.
class udp_prober {
 public:
  struct probe {
    std::uint16_t port = 0;
    std::size_t source = 0;
    unsigned attempt = 0;  ///< 0, 1, …: which request, where a port has several
    bool at_once = false;  ///< without a pause after the one before it, whatever the rate
    bool is_outside = false;  ///< a port that is not of the list, asked because it is most likely closed
  };
  struct answer {
    std::uint16_t port = 0;
    port_verdict verdict;
    std::optional<duration> rtt;
    std::string reply;
  };

  /// What is asked beyond a host's list, except where its range is strict.
  [[nodiscard]] static std::span<const std::uint16_t> outside_ports() noexcept;

  /// `ports` are asked in this order.
  udp_prober(const udp_prober_options& options, std::span<const std::uint16_t> ports, time_point now);

  /// The next datagram to send, if one may go out now; the same until sent() or cannot_send().
  [[nodiscard]] std::optional<probe> next(time_point now);
  /// It went out, in a call that lasted from `began` to `ended`. Ask next() again only then.
  void sent(const probe& what, time_point began, time_point ended);

  void replied(std::uint16_t port, bytes_view octets, time_point now);
  /// An ICMP error came: the port's own answer, or that of something on the way.
  void refused(std::uint16_t port, std::size_t source, const port_verdict& verdict, time_point now);
  /// This machine would not send it.
  void cannot_send(const probe& what, const port_verdict& verdict, time_point now);
  /// This port is known, without being asked.
  void settle_unasked(std::uint16_t port, const port_verdict& verdict);
  /// The host cannot be reached at all: so it is with each port that was asked and is not known.
  void unreachable(const port_verdict& verdict);

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
  /// ... for this reason.
  void abandon(const port_verdict& verdict);

 private:
  static constexpr std::size_t max_kinds = 6;  // any more count as the last of them
  static constexpr std::uint32_t none = 0xffffffff;

  struct entry {
    std::uint16_t port = 0;
    bool known = false;
    std::array<std::uint8_t, max_kinds> proofs{};  // how often it was silent where an error of this kind came
    unsigned attempts = 0;
    std::uint32_t place = 0;  // in its burst
    time_point began{};  // the call that sent it last
    time_point sent{};  // that call's end
  };
  /// What an ICMP limit is for: a reason and a sender.
  struct error_kind {
    reason why = reason::port_unreachable;
    std::optional<address> sender;
    std::uint16_t reference = 0;  // a port that is answered so
    unsigned unheard = 0;  // how often that was asked in vain since the last such error
    std::optional<time_point> unheard_since;
    time_point asked{};
    time_point asked_before{};
    time_point blurred_until = time_point::min();  // an answer may still be one to an earlier asking
  };
  /// What one local address sees of the host's limits.
  struct view {
    std::vector<std::uint32_t> burst;  // asked in this order: indexes of entries_, then references
    std::size_t sent = 0;  // how many of them
    bool is_asking = false;
    bool has_begun = false;  // something of it was really sent
    bool is_early = false;  // it came before its time, for tokens that may be left
    bool reference_heard = false;
    std::array<std::size_t, max_kinds> proved{};  // by kind: so many from the front were looked at
    std::array<unsigned, max_kinds> heard{};  // by kind: errors since the burst began
    unsigned heard_before = 0;  // in the burst before it, of the most frequent kind
    std::array<std::pair<time_point, time_point>, max_kinds> reference_sent{};  // from the end of the burst
    unsigned rotation = 0;  // which reference comes first
    time_point began{};
    time_point last_sent{};
    time_point next_burst{};
    time_point last_token{};
    std::optional<duration> period;  // between tokens, and a little more
    time_point counted_from{};  // when it was found; since then so many tokens came
    unsigned tokens = 0;
  };
  enum class phase : std::uint8_t {
    survey,  // all ports are asked, to find those that answer
    bursts,  // silent ones are asked together with references
    waiting,  // nothing more is asked
  };

  [[nodiscard]] std::uint32_t find(std::uint16_t port) const noexcept;
  [[nodiscard]] std::size_t kind_of(const port_verdict& verdict, std::uint16_t port);
  [[nodiscard]] bool is_proven(const entry& one) const;
  [[nodiscard]] port_verdict verdict_of_silence(const entry& one) const;
  [[nodiscard]] duration answer_time() const { return rtt_.timeout(); }
  [[nodiscard]] duration burst_time(const view& from) const;
  [[nodiscard]] duration survey_time() const;
  [[nodiscard]] static duration same_moment(const view& from);
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
  void fit_burst_size(const view& from);
  [[nodiscard]] bool has_ended(const view& from, time_point now) const;
  [[nodiscard]] time_point end_of_survey() const;
  void give_up_kinds(time_point now);

  udp_prober_options options_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> by_port_;  // entries in the order of their ports
  std::vector<view> views_;
  std::vector<error_kind> kinds_;
  std::deque<std::uint32_t> open_;  // not known, and in no burst; the next to be asked first
  std::deque<std::uint32_t> silent_;  // asked often enough; an answer may still come until their time is up
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
