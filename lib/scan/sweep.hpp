// SPDX-License-Identifier: MIT
// The logic of the TCP scan: what to ask next, how long to wait, and what silence means. No socket, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "scan/checkpoint.hpp"
#include "scan/crawl.hpp"
#include "scan/order.hpp"
#include "scan/pace.hpp"
#include "scan/paths.hpp"
#include "scan/syn_schedule.hpp"

namespace netlab::scan {

struct sweep_parameters {
  std::uint64_t targets = 1;
  std::uint64_t ports = 1;  ///< per target
  std::uint64_t seed = 0;
  std::uint64_t shard = 0;              ///< this shard takes every `shards`-th place of the order, from this one on
  std::uint64_t shards = 1;
  std::size_t parallel = 1;             ///< maximum number of connections at a time
  double rate = 0;                      ///< SYNs per second, with the kernel's repetitions; 0: adapts to the path
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until it counts as silent
  unsigned retries = 1;                 ///< minimum number of retries for a silent port
  bool retries_fixed = false;           ///< no more retries than that, the kernel's included, even with loss
  syn_schedule kernel{};
  std::vector<std::uint64_t> skipped{};  ///< targets that are never asked; ascending
  std::optional<sweep_checkpoint> from{};  ///< continue from there; must satisfy fits()
};

/// All ports of all targets are asked in random order. A silent port is asked again: soon after, and at the end of
/// the sweep, when the loss rate is known, as often as needed to be sure. An early retry only saves time: an answer
/// to any probe of a port counts until `timeout` after its last probe, and only then is the port silent. Silence
/// counts only if a probe sent later to the same target was answered. If no other port provides that answer, a
/// *control* does: a probe to a port that is known to refuse. Controls detect a target that pauses, and one that
/// limits its resets per second (FreeBSD: 200). While the machine is suspended, no timeout passes (running_time).
class sweep {
 public:
  struct probe {
    std::uint64_t item = 0;  ///< target() and port() decode it
    unsigned attempt = 1;
    std::uint32_t slot = 0;  ///< identifies the probe while its connection is kept: below `parallel`
    bool is_control = false;  ///< the port is known already; do not report its answer
    duration kept{};  ///< close the socket after this time, before the kernel sends another SYN; 0: never
  };

  enum class answer : std::uint8_t {
    from_port,  ///< the connection was established
    refusal,  ///< a reset
    from_path,  ///< ICMP from the path: does not show that the target answers
    local,  ///< an error of this machine
  };

  enum class verdict : std::uint8_t {
    silent,  ///< asked often enough
    unsure,  ///< asked often, but with so much loss that silence proves nothing
    not_sent,  ///< this machine could not reach the target for a long time
  };
  struct conclusion {
    std::uint64_t item = 0;
    verdict meaning = verdict::silent;
    int system_error = 0;  ///< for not_sent: the reason
  };

  sweep(const sweep_parameters& parameters, time_point now);

  /// Whether a sweep with the same targets, ports and shard can have made parameters.from.
  [[nodiscard]] static bool fits(const sweep_parameters& parameters);

  [[nodiscard]] std::uint64_t target(std::uint64_t item) const noexcept { return item / parameters_.ports; }
  [[nodiscard]] std::uint64_t port(std::uint64_t item) const noexcept { return item % parameters_.ports; }

  /// The next probe to send, if one may be sent now.
  [[nodiscard]] std::optional<probe> next(time_point now);
  /// The number of the `parallel` connections that are used for something else.
  void set_in_use(std::size_t others) noexcept { others_ = others; }

  // Each of the following frees the slot.

  /// The system could not send the probe: it is sent again later, and the window shrinks.
  void put_back(std::uint32_t slot, time_point now);
  /// This machine has no route to the target now: the probe is sent again when it has one.
  void cannot_reach(std::uint32_t slot, int system_error, time_point now);
  /// The probe must be sent again, and this attempt does not count.
  void repeat(std::uint32_t slot);
  /// The connection ended without an answer.
  void gave_up(std::uint32_t slot, time_point now);
  /// The probe was answered, so the port is done; `origin`: where the answer came from. Returns the round-trip time,
  /// unless the answer was local.
  std::optional<duration> answered(std::uint32_t slot, time_point now, answer origin = answer::refusal);

  /// Handles timeouts. Call it after all pending events were handled.
  void tick(time_point now);
  /// A slot whose connection is to be closed. Call it until it is empty after each answered() and tick().
  [[nodiscard]] std::optional<std::uint32_t> take_released();
  /// A port that is done without an answer.
  [[nodiscard]] std::optional<conclusion> take_conclusion();
  /// When next() or tick() may have something to do; `never`: not before an answer.
  [[nodiscard]] time_point wake(time_point now) const;

  /// All ports were answered or concluded.
  [[nodiscard]] bool done() const noexcept { return done_ == size_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Ports answered or asked the minimum number of times: for a progress bar.
  [[nodiscard]] std::uint64_t finished() const noexcept { return size_ - first_phase_left_; }
  /// Connections kept open for an answer.
  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }
  [[nodiscard]] std::size_t window_size() const noexcept { return window_.size(); }
  /// SYNs that this attempt costs, including the kernel's retransmissions.
  [[nodiscard]] unsigned cost(unsigned attempt) const noexcept {
    return counts_syns() ? 1 + plan_.at(attempt).repetitions : 1;
  }

  /// The progress to save. Probes that may still be answered count as not sent, because a later sweep cannot receive
  /// their answers.
  [[nodiscard]] sweep_checkpoint checkpoint() const;

  /// When the scan ends early: returns each port that was asked but is not known; then empty.
  [[nodiscard]] std::optional<std::uint64_t> take_unfinished();

 private:
  using slot_number = std::uint32_t;
  using case_number = std::uint32_t;
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr unsigned most_attempts = 100;  // however bad the path is

  /// A port that was asked but is not known yet.
  struct open_case {
    std::uint64_t item = 0;
    std::uint16_t attempts = 0;
    std::uint16_t fair = 0;  // attempts not spoilt by congestion, followed by an answer from the target
    std::uint16_t unproved = 0;  // attempts that become fair if the target answers later
    std::uint16_t outdated = 0;  // attempts from before the pace changed
    slot_number flights = none;  // its probes that may still be answered, linked by `sibling`
    time_point last_sent{};
    bool is_queued = false;  // in a queue
    bool is_done = false;  // but still in a queue
    bool counts_as_asked = false;  // for finished()
    int system_error = 0;
  };
  enum class stage : std::uint8_t {
    free,
    awaited,  // in a list
    late,  // timed out, but an answer still counts
  };
  struct flight {
    case_number of = none;  // none: a control
    std::uint64_t item = 0;
    stage at = stage::free;
    std::uint16_t attempt = 0;
    std::uint32_t generation = 0;
    bool on_path = false;
    time_point sent{};
    slot_number before = none;  // list of probes with the same kind of timeout, oldest first
    slot_number after = none;
    slot_number sibling = none;
  };
  struct list {
    slot_number first = none;
    slot_number last = none;
    slot_number oldest_on_path = none;
  };
  struct closing {  // when to close a late probe's connection
    time_point due;
    slot_number slot;
    std::uint32_t generation;
    bool operator<(const closing& other) const noexcept { return other.due < due; }
  };
  struct settling {  // a case that was asked often enough
    time_point due;
    case_number which;
    bool operator<(const settling& other) const noexcept { return other.due < due; }
  };
  static constexpr std::size_t waits = 3;  // first, second, later attempts

  [[nodiscard]] static std::size_t wait_of(unsigned attempt) noexcept {
    return std::min<std::size_t>(attempt, waits) - 1;
  }
  [[nodiscard]] bool counts_syns() const noexcept { return parameters_.rate > 0 || parameters_.retries_fixed; }
  [[nodiscard]] bool is_control(const flight& in_flight) const noexcept { return in_flight.of == none; }
  [[nodiscard]] const path& path_of(std::uint64_t item) const { return paths_.of(target(item)); }
  [[nodiscard]] duration timeout_of(const flight& in_flight) const;
  /// The number of attempts that every silent port gets.
  [[nodiscard]] unsigned least_attempts() const noexcept {
    return parameters_.retries_fixed ? plan_.connections() : parameters_.retries + 1;
  }
  /// Number of fair attempts that prove silence.
  [[nodiscard]] unsigned wanted_tries() const;
  /// True if they were made, or as many as are allowed, counting unproved attempts as fair.
  [[nodiscard]] bool was_asked_enough(const open_case& port_case) const;

  [[nodiscard]] case_number open(std::uint64_t item);
  void close(case_number which);
  void queue(std::deque<case_number>& where, case_number which, bool in_front = false);
  [[nodiscard]] case_number take(std::deque<case_number>& from);
  /// Removes cases that are done from the front of each queue.
  void drop_done_fronts();
  void conclude(case_number which, verdict meaning);
  /// The attempt has timed out: decides what comes next for its case.
  void ask_again_later(case_number which);

  [[nodiscard]] bool has_port() const noexcept;  // a port to be asked
  [[nodiscard]] bool has_work() const noexcept { return has_port() || !controls_due_.empty(); }
  /// Whether the silence since `sent` counts: a probe sent later was answered, or none is expected to be.
  [[nodiscard]] bool silence_counts(std::uint64_t item, time_point sent, time_point now) const;
  [[nodiscard]] bool has_slot() const noexcept { return !free_.empty() && under_way_ + others_ < parameters_.parallel; }
  [[nodiscard]] bool is_swept() const noexcept { return first_phase_left_ == 0; }
  [[nodiscard]] bool is_testing() const noexcept { return is_swept() && crawl_.is_testing() && tested_ != path::none; }
  void count_as_asked(open_case& port_case);
  /// The control to send now instead of a port's probe, if one is due.
  [[nodiscard]] std::optional<std::uint64_t> take_control();
  /// Skips places whose target is skipped.
  void skip();
  void restore(const sweep_checkpoint& from);
  /// The next port to ask; requires has_port().
  [[nodiscard]] case_number choose();
  void take_back(slot_number slot, bool in_front);
  void schedule_control(std::uint64_t item, time_point now);
  [[nodiscard]] time_point leaves_path(const flight& in_flight) const;
  void update_on_path(time_point now);
  void retry_parked(time_point now);
  void link(slot_number slot);
  void unlink(slot_number slot);
  void take_from_case(slot_number slot);
  void end(slot_number slot);
  /// Ends the flight and frees its slot; release_later() leaves that to take_released(), for the owner to close first.
  void release(slot_number slot);
  void release_later(slot_number slot);
  void expire(slot_number slot, time_point now);
  void expire_control(slot_number slot, time_point now);
  /// A control was lost: one that was sent later was answered.
  void lose_control(std::uint64_t item, time_point sent, time_point now);
  void close_late(time_point now);
  void settle(time_point now);
  void restart_after_pace_change();

  sweep_parameters parameters_;
  running_time running_;  // all times below are by this clock
  attempt_plan plan_;
  permutation order_;
  std::uint64_t size_;  // of this shard
  window window_;
  rate_limit limit_;
  loss_estimate loss_;
  crawl crawl_;
  rtt_estimator common_;  // of all targets
  path_table paths_;
  std::vector<flight> flights_;
  std::vector<slot_number> free_;
  std::vector<slot_number> released_;  // not yet returned by take_released()
  std::array<list, waits> lists_;
  std::priority_queue<closing> late_;
  std::vector<open_case> cases_;
  std::vector<case_number> free_cases_;
  std::deque<case_number> again_;  // to be asked again soon
  std::deque<case_number> doubtful_;  // asked the minimum number of times; asked again at the end of the sweep
  std::deque<case_number> parked_;  // this machine cannot reach them at the moment
  std::priority_queue<settling> settling_;
  std::deque<conclusion> conclusions_;
  std::deque<std::uint64_t> controls_due_;  // targets for which a control is due
  std::uint64_t place_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t first_phase_left_ = 0;
  std::uint64_t tested_ = path::none;  // the control used by the tests of crawl_
  std::size_t under_way_ = 0;
  std::size_t awaited_ = 0;  // in flight and not timed out
  std::size_t others_ = 0;
  std::size_t on_path_ =
      0;  // of those awaited, the ones that fill the window; the others will most likely not be answered
  time_point hold_until_ = time_point::min();
  time_point last_shrunk_ = time_point::min();
  time_point down_since_ = never;  // when this machine first failed to reach a target, since the last success
  time_point next_scout_ = time_point::min();
  case_number scout_ = none;  // a parked case that tests whether the target can be reached again
  bool is_scout_sent_ = false;
  time_point pace_changed_ = time_point::min();  // crawl_.changed() as last seen by restart_after_pace_change()
  bool was_swept_ = false;
  bool was_ended_ = false;
};

}  // namespace netlab::scan
