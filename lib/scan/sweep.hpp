// SPDX-License-Identifier: MIT
// What to ask next, how long to wait, and what silence means: the mind of the TCP scan. No socket, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "scan/crawl.hpp"
#include "scan/order.hpp"
#include "scan/pace.hpp"
#include "scan/paths.hpp"
#include "scan/syn_schedule.hpp"

namespace netlab::scan {

struct sweep_parameters {
  std::uint64_t targets = 1;
  std::uint64_t ports = 1;  ///< of each target
  std::uint64_t seed = 0;
  std::uint64_t shard = 0;              ///< below `shards`: of the order, every so many-th place
  std::uint64_t shards = 1;
  std::size_t parallel = 1;             ///< most connections at a time
  double rate = 0;                      ///< SYNs a second, the kernel's repetitions included; 0: as the path bears
  duration timeout = std::chrono::seconds(1);  ///< from a port's last probe until silence is its state
  unsigned retries = 1;                 ///< how often silence is asked again, at least
  bool retries_fixed = false;           ///< not more often, even where answers get lost, the kernel's included
  syn_schedule kernel{};
};

/// Every port of every target is asked in random order. One that stays silent is asked again: once promptly, and at the
/// end of the sweep, when it is known how much gets lost, as often as it takes to be sure. Asking again early is only
/// for speed: an answer to any of a port's probes counts until `timeout` has passed since the last of them, and only
/// then is silence its state. Silence counts only where it means something: a probe sent later to the same target was
/// answered. Where no other port would do it, a *control* does, a probe to a port that is known to refuse; a machine
/// that had to stop for a moment, and one that sends only so many resets a second (FreeBSD: 200), show by it.
class sweep {
 public:
  struct probe {
    std::uint64_t item = 0;  ///< target() and port() read it
    unsigned attempt = 1;
    std::uint32_t slot = 0;  ///< names the probe while its connection is kept: below `parallel`
    bool is_control = false;  ///< its port is known; its answer is no news
    duration kept{};  ///< the longest that the connection may be kept, so that no SYN of it is too many; 0: any
  };

  enum class answer : std::uint8_t {
    from_port,  ///< the connection was made
    refusal,  ///< reset
    from_path,  ///< ICMP: of the path, so no sign that the port's machine answers
    local,  ///< this machine's own
  };

  enum class verdict : std::uint8_t {
    silent,  ///< asked often enough
    unsure,  ///< asked often, but so much gets lost that its silence proves nothing
    not_sent,  ///< this machine could not reach the target, and that lasted
  };
  struct conclusion {
    std::uint64_t item = 0;
    verdict meaning = verdict::silent;
    int system_error = 0;  ///< not_sent: why
  };

  sweep(const sweep_parameters& how, time_point now);

  [[nodiscard]] std::uint64_t target(std::uint64_t item) const noexcept { return item / how_.ports; }
  [[nodiscard]] std::uint64_t port(std::uint64_t item) const noexcept { return item % how_.ports; }

  /// The next probe to send, if one may go out now.
  [[nodiscard]] std::optional<probe> next(time_point now);
  /// So many of the `parallel` connections are in use for something else.
  void set_in_use(std::size_t others) noexcept { others_ = others; }

  // Each of the following frees the slot.

  /// The system could not send it; it is asked again a little later, and fewer go out at a time.
  void put_back(std::uint32_t slot, time_point now);
  /// This machine has no way to the target at the moment: asked again when it has one.
  void cannot_reach(std::uint32_t slot, int system_error, time_point now);
  /// It must be asked once more, and this time did not count.
  void repeat(std::uint32_t slot);
  /// Its connection ended without an answer.
  void gave_up(std::uint32_t slot, time_point now);
  /// It was answered, by whatever: the port is done. The round trip, unless the answer says nothing of it.
  std::optional<duration> answered(std::uint32_t slot, time_point now, answer what = answer::refusal);

  /// Looks at the time. Call it after all events that have come were told.
  void tick(time_point now);
  /// A slot whose connection is not needed any more. Ask after each call of answered() and tick().
  [[nodiscard]] std::optional<std::uint32_t> take_released();
  /// A port that is done without an answer.
  [[nodiscard]] std::optional<conclusion> take_conclusion();
  /// When next() or tick() may have something to do; `never`: not before an answer.
  [[nodiscard]] time_point wake(time_point now) const;

  /// Everything was answered or concluded.
  [[nodiscard]] bool done() const noexcept { return done_ == size_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Answered, or asked as often as was wished: what a progress bar shows.
  [[nodiscard]] std::uint64_t finished() const noexcept { return size_ - first_phase_left_; }
  /// Connections that are kept for an answer.
  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }
  [[nodiscard]] std::size_t window_size() const noexcept { return window_.size(); }
  /// SYNs that this probe costs, the kernel's repetitions included.
  [[nodiscard]] unsigned cost(unsigned attempt) const noexcept {
    return counts_syns() ? 1 + plan_.at(attempt).repetitions : 1;
  }

  /// When the scan ends early: those asked at least once whose port is not known, each once; then it is empty.
  [[nodiscard]] std::optional<std::uint64_t> take_unfinished();

 private:
  using slot_number = std::uint32_t;
  using case_number = std::uint32_t;
  static constexpr std::uint32_t none = 0xffffffff;

  /// A port that was asked and is not known yet.
  struct open_case {
    std::uint64_t item = 0;
    std::uint16_t attempts = 0;
    std::uint16_t fair = 0;  // attempts that a crowded path did not spoil, at a target that was heard later
    std::uint16_t unproved = 0;  // attempts that are fair if the target is heard of later
    std::uint16_t outdated = 0;  // attempts from before the pace changed
    slot_number flights = none;  // its probes that may still be answered, linked by `sibling`
    time_point last_sent{};
    bool is_queued = false;  // a queue has it
    bool is_done = false;  // but the queue has not been told
    bool counts_as_asked = false;  // for finished()
    int system_error = 0;
  };
  enum class stage : std::uint8_t {
    free,
    awaited,  // in a list
    late,  // another probe was due, but this one's answer still counts
  };
  struct flight {
    case_number of = none;  // none: a control
    std::uint64_t item = 0;
    stage at = stage::free;
    std::uint16_t attempt = 0;
    std::uint32_t generation = 0;
    bool on_path = false;
    time_point sent{};
    slot_number before = none;  // list of its attempt's length of wait, oldest first
    slot_number behind = none;
    slot_number sibling = none;
  };
  struct list {
    slot_number first = none;
    slot_number last = none;
    slot_number oldest_on_path = none;
  };
  struct closing {  // of a late probe's connection
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
  [[nodiscard]] bool counts_syns() const noexcept { return how_.rate > 0 || how_.retries_fixed; }
  [[nodiscard]] bool is_control(const flight& one) const noexcept { return one.of == none; }
  [[nodiscard]] const path& path_of(std::uint64_t item) const { return paths_.of(target(item)); }
  [[nodiscard]] duration patience(const flight& one) const;
  /// Attempts that a silent port has for certain.
  [[nodiscard]] unsigned least_attempts() const noexcept {
    return how_.retries_fixed ? plan_.connections() : how_.retries + 1;
  }
  /// Fair tries that prove silence.
  [[nodiscard]] unsigned wanted_tries() const;
  /// They have been made, or as many as there may be, if those that are not proved are fair.
  [[nodiscard]] bool was_asked_enough(const open_case& one) const;

  [[nodiscard]] case_number open(std::uint64_t item);
  void close(case_number which);
  void queue(std::deque<case_number>& where, case_number which, bool in_front = false);
  [[nodiscard]] case_number take(std::deque<case_number>& from);
  /// Keeps the first of each queue one that is not done.
  void drop_done_fronts();
  void conclude(case_number which, verdict meaning);
  /// Its case has no answer to this attempt by now: what comes next for it.
  void ask_again_later(case_number which);

  [[nodiscard]] bool has_port() const noexcept;  // to be asked
  [[nodiscard]] bool has_work() const noexcept { return has_port() || !to_accompany_.empty(); }
  /// A silence since then is the port's own: a probe that was sent later was answered, or none ever will be.
  [[nodiscard]] bool is_meant(std::uint64_t item, time_point sent, time_point now) const;
  [[nodiscard]] bool has_slot() const noexcept { return !free_.empty() && under_way_ + others_ < how_.parallel; }
  [[nodiscard]] bool is_swept() const noexcept { return first_phase_left_ == 0; }
  [[nodiscard]] bool is_testing() const noexcept { return is_swept() && crawl_.is_testing() && tested_ != path::none; }
  void count_as_asked(open_case& one);
  /// The control that is to go out now instead of a port's probe, if one is.
  [[nodiscard]] std::optional<std::uint64_t> take_control();
  /// The next port to be asked; has_port().
  [[nodiscard]] case_number choose();
  void take_back(slot_number slot, bool in_front);
  void accompany(std::uint64_t item, time_point now);
  [[nodiscard]] time_point leaves_path(const flight& one) const;
  void look_at_path(time_point now);
  void look_at_parked(time_point now);
  void link(slot_number slot);
  void unlink(slot_number slot);
  void take_from_case(slot_number slot);
  /// Frees the slot at once, or when the owner has closed the connection.
  void release(slot_number slot);
  void release_later(slot_number slot);
  void expire(slot_number slot, time_point now);
  void expire_control(slot_number slot, time_point now);
  /// A control was not answered, and one that was sent later was.
  void lose_control(std::uint64_t item, time_point sent, time_point now);
  void look_at_late(time_point now);
  void settle(time_point now);
  void look_at_regime();

  sweep_parameters how_;
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
  std::vector<slot_number> released_;  // and not told yet
  std::array<list, waits> lists_;
  std::priority_queue<closing> late_;
  std::vector<open_case> cases_;
  std::vector<case_number> free_cases_;
  std::deque<case_number> again_;  // to be asked a second time, soon
  std::deque<case_number> doubtful_;  // asked as often as was wished; looked at once more at the end
  std::deque<case_number> parked_;  // this machine cannot reach them at the moment
  std::priority_queue<settling> settling_;
  std::deque<conclusion> conclusions_;
  std::deque<std::uint64_t> to_accompany_;  // items of targets that a control is due for
  std::uint64_t place_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t first_phase_left_ = 0;
  std::uint64_t tested_ = path::none;  // the control that crawl tests with
  std::size_t under_way_ = 0;
  std::size_t awaited_ = 0;  // of those under way: the others' answers are late
  std::size_t others_ = 0;
  std::size_t on_path_ = 0;  // of those awaited: the window is for them, the rest only wait for a filter's silence
  time_point hold_until_ = time_point::min();
  time_point last_shrunk_ = time_point::min();
  time_point down_since_ = never;  // this machine could not reach a target, and not since
  time_point next_scout_ = time_point::min();
  case_number scout_ = none;  // a parked case that tries whether it still cannot
  bool is_scout_sent_ = false;
  time_point regime_ = time_point::min();  // crawl_.changed() that the cases know of
  bool was_swept_ = false;
  bool was_ended_ = false;
};

}  // namespace netlab::scan
