// SPDX-License-Identifier: MIT
// What to ask next, when to give up on a probe, and what silence means: the mind of the TCP scan. No socket, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "scan/order.hpp"
#include "scan/pace.hpp"

namespace netlab::scan {

struct sweep_parameters {
  std::uint64_t targets = 1;
  std::uint64_t ports = 1;  ///< of each target
  std::uint64_t seed = 0;
  std::uint64_t shard = 0;              ///< below `shards`: of the order, every so many-th place
  std::uint64_t shards = 1;
  std::size_t parallel = 1;             ///< most probes under way
  double rate = 0;                      ///< probes a second; 0: as the path bears
  duration timeout = std::chrono::seconds(1);  ///< longest wait for a probe's answer
  unsigned retries = 1;                 ///< how often silence is asked again, at least
  bool retries_fixed = false;           ///< not more often, even where answers get lost
};

/// Every port of every target is asked in random order. One that stays silent is asked again: once promptly (that
/// its answer then comes shows how much gets lost), and at the end of the sweep, when that is known well, as often as
/// it takes to be sure. Silence counts only where it means something: a probe sent later to the same target was
/// answered. Where no other port would do it, a *control* does, a probe to a port that is known to refuse; a machine
/// that had to stop for a moment, and one that sends only so many resets a second (FreeBSD: 200), show by it.
class sweep {
 public:
  struct probe {
    std::uint64_t item = 0;  ///< target() and port() read it
    unsigned attempt = 1;
    std::uint32_t slot = 0;  ///< names the probe while it is under way: below `parallel`
    bool is_control = false;  ///< its port is known; its answer is no news
  };
  enum class verdict : std::uint8_t {
    again,   ///< it was not answered in time and will be asked again
    silent,  ///< asked often enough
  };
  struct expired {
    probe what;
    verdict meaning;
  };

  enum class answer : std::uint8_t {
    from_port,  ///< the connection was made
    refusal,    ///< reset
    from_path,  ///< ICMP: of the path, so no sign that the port's machine answers
    local,      ///< this machine's own
  };

  sweep(const sweep_parameters& how, time_point now);

  [[nodiscard]] std::uint64_t target(std::uint64_t item) const noexcept { return item / how_.ports; }
  [[nodiscard]] std::uint64_t port(std::uint64_t item) const noexcept { return item % how_.ports; }

  /// The next probe to send, if one may go out now.
  [[nodiscard]] std::optional<probe> next(time_point now);
  /// The system could not send it; it is asked again a little later, and fewer go out at a time.
  void put_back(std::uint32_t slot, time_point now);
  /// It must be asked once more, and this time did not count.
  void repeat(std::uint32_t slot);
  /// It was answered, by whatever: the port is done. The round trip, unless the answer says nothing of it.
  std::optional<duration> answered(std::uint32_t slot, time_point now, answer what = answer::refusal);
  /// The next probe whose time is up, if there is one. Ask after all events that have come were told.
  [[nodiscard]] std::optional<expired> take_expired(time_point now);
  /// When next() or take_expired() may have something again; `never`: not before an answer.
  [[nodiscard]] time_point wake(time_point now) const;

  /// Everything was answered or declared silent.
  [[nodiscard]] bool done() const noexcept { return done_ == size_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Answered, or asked as often as was wished: what a progress bar shows.
  [[nodiscard]] std::uint64_t finished() const noexcept { return size_ - first_phase_left_; }
  [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }
  [[nodiscard]] std::size_t window_size() const noexcept { return window_.size(); }

  /// When the scan ends early: those asked at least once whose port is not known, each once; then it is empty.
  [[nodiscard]] std::optional<std::uint64_t> take_unfinished();

 private:
  struct flight {
    std::uint64_t item = 0;
    std::uint16_t attempt = 0;  // 0: free
    std::uint16_t fair = 0;     // attempts before it that a crowded path did not spoil
    bool on_path = false;
    bool is_control = false;
    time_point sent{};
    std::uint32_t before = none;  // list of its attempt's length of wait, oldest first
    std::uint32_t behind = none;
  };
  struct silence {
    std::uint64_t item;
    std::uint16_t attempts;
    std::uint16_t fair;
  };
  struct path {
    rtt_estimator rtt;
    time_point last_heard_of = time_point::min();  // when the latest of the answered probes was sent
    time_point last_heard = time_point::min();
    unsigned backoff = 0;                          // controls lost in a row: patience doubles
    std::uint64_t control = no_item;               // refuses connections
    unsigned unaccompanied = 0;  // of the probes that silence is to be believed of, since a control
  };
  struct list {
    std::uint32_t first = none;
    std::uint32_t last = none;
    std::uint32_t oldest_on_path = none;
  };
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::uint64_t no_item = ~std::uint64_t{0};
  static constexpr std::size_t waits = 3;  // first, second, later attempts

  [[nodiscard]] static std::size_t wait_of(unsigned attempt) noexcept {
    return std::min<std::size_t>(attempt, waits) - 1;
  }
  [[nodiscard]] duration patience(std::uint64_t item, std::size_t wait) const;
  /// Enough fair attempts were in vain.
  [[nodiscard]] bool is_silent(const silence& one) const;
  [[nodiscard]] path& path_of(std::uint64_t item);
  [[nodiscard]] const path& path_of(std::uint64_t item) const;
  /// The probe that is to go out next, without its slot; the caller has asked has_work().
  [[nodiscard]] silence choose(bool& is_control);
  void accompany(std::uint64_t item, time_point now);
  [[nodiscard]] time_point leaves_path(const flight& one) const;
  void look_at_path(time_point now);
  [[nodiscard]] bool has_work() const noexcept;
  /// All were answered or asked as often as was wished; the doubtful ones are left.
  [[nodiscard]] bool is_swept() const noexcept { return first_phase_left_ == 0; }
  void unlink(std::uint32_t slot);

  sweep_parameters how_;
  permutation order_;
  std::uint64_t size_;  // of this shard
  window window_;
  rate_limit limit_;
  loss_estimate loss_;
  crawl crawl_;
  std::vector<path> paths_;  // one a target while they are few, else one for all
  std::vector<flight> flights_;
  std::vector<std::uint32_t> free_;
  std::array<list, waits> lists_;
  std::deque<silence> again_;  // to be asked a second time, soon
  std::deque<silence> doubtful_;  // asked as often as was wished; looked at once more at the end
  std::deque<std::uint64_t> to_accompany_;  // items of targets that a control is due for
  std::uint64_t place_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t first_phase_left_ = 0;
  std::size_t under_way_ = 0;
  std::size_t on_path_ = 0;  // of those under way: the window is for them, the rest only wait for a filter's silence
  time_point hold_until_ = time_point::min();
  time_point last_shrunk_ = time_point::min();
};

}  // namespace netlab::scan
