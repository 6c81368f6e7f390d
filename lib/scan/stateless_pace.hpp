// SPDX-License-Identifier: MIT
// The sending rate of a stateless scan: fixed, or adapted to what the path carries. Time is an argument.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "scan/pace.hpp"

namespace netlab::scan {

/// A token bucket: in any period of length t it allows at most rate × t + burst units, and exactly rate × t if the
/// caller always uses all of it and is never late by more than `longest_lag`.
class rate_bucket {
 public:
  /// 0: no limit.
  rate_bucket(double per_second, double least_burst, duration longest_lag, time_point now)
      : least_burst_(least_burst), longest_lag_(longest_lag), last_(now) {
    set(per_second);
  }
  /// Changes the rate; keeps the units that have accumulated.
  void set(double per_second) noexcept {
    per_second_ = per_second;
    burst_ = std::max(least_burst_, per_second * std::chrono::duration<double>(longest_lag_).count());
  }
  [[nodiscard]] bool is_limited() const noexcept { return per_second_ > 0; }
  [[nodiscard]] double per_second() const noexcept { return per_second_; }

  /// Units available now.
  [[nodiscard]] double available(time_point now) noexcept {
    if (now > last_) {
      units_ = std::min(burst_, units_ + std::chrono::duration<double>(now - last_).count() * per_second_);
      last_ = now;
    }
    return units_;
  }
  void use(double units) noexcept { units_ -= units; }
  /// When `units` will be available; in the past if they are.
  [[nodiscard]] time_point when(double units) const noexcept {
    if (units_ >= units) return last_;
    return last_ + std::chrono::duration_cast<duration>(std::chrono::duration<double>((units - units_) / per_second_)) +
           duration(1);
  }
  /// Nothing is available before this time.
  void pause(time_point until) noexcept {
    units_ = std::min(units_, 0.0);
    last_ = std::max(last_, until);
  }

 private:
  double per_second_ = 0;
  double least_burst_;
  duration longest_lag_;
  double burst_ = 0;
  double units_ = 0;
  time_point last_;
};

/// Keeps a fixed rate. Without one, it starts with 10,000 probes a second and doubles the rate while the share of
/// answered first probes and the round-trip time stay the same: ports are probed in random order, so both are constant
/// as long as the path carries everything. When the share falls or a queue grows, the rate becomes what the answers
/// show to arrive, and the queue is given time to empty; then it grows in small steps, and in larger ones where nothing
/// was lost before. If lowering the rate repeatedly does not reduce the loss, the loss has another cause and is
/// accepted. While hardly any port answers there is nothing to measure, and the rate does not exceed
/// `max_unmeasured_rate`.
class stateless_pace {
 public:
  static constexpr double first_rate = 10'000;
  static constexpr double max_unmeasured_rate = 100'000;  // 67 Mbit/s of IPv4 SYNs, which nearly every path carries
  static constexpr double least_rate = 50;

  struct options {
    double rate = 0;  ///< probes a second; 0: adapts
    double bandwidth = 0;  ///< bits a second; 0: no limit
    duration timeout = std::chrono::seconds(1);
  };

  stateless_pace(const options& parameters, time_point now);

  /// How many packets of this size may be sent now, at most `most`.
  [[nodiscard]] std::size_t allowed(time_point now, std::size_t most, std::size_t wire_octets);
  struct volume {
    std::size_t packets = 0;
    std::size_t first_probes = 0;  ///< those of the packets that are the first probe of a port
    std::size_t wire_octets = 0;  ///< of all packets
  };
  /// `now`: when they were sent, on which the measurement depends.
  void sent(const volume& packets, time_point now);
  /// When allowed() will be at least one.
  [[nodiscard]] time_point next() const;

  /// A port was answered for the first time. `is_first`: the answer is to its first probe; `sent_at`: time_point::min()
  /// if unknown.
  void answered(time_point sent_at, time_point received_at, duration round_trip, bool is_first);
  /// Answers were lost in this machine: the receive ring was full.
  void overrun(time_point now);
  /// The interface has no room.
  void congested_here(time_point now);
  /// Many ports that answered at all did so only to a repeated probe.
  void lossy(time_point now);
  /// Compares the last periods; returns when to call it again. If it is called much later than that, the machine was
  /// suspended or stopped: the rate stays as it was, and earlier periods do not count.
  time_point tick(time_point now);

  [[nodiscard]] bool is_adaptive() const noexcept { return is_adaptive_; }
  [[nodiscard]] double rate() const noexcept { return packets_.per_second(); }
  /// When the rate was last lowered.
  [[nodiscard]] time_point lowered() const noexcept { return lowered_; }

 private:
  static constexpr duration slot_time = std::chrono::milliseconds(4);
  static constexpr std::size_t slot_count = 1024;  // answers are expected within 4 s
  static constexpr std::size_t samples = 32;
  struct slot {
    std::uint64_t number = 0;
    std::uint32_t sent = 0;
    std::uint32_t first_probes = 0;  // first probes among them: repeated ones go to ports that hardly ever answer
    std::uint32_t answered = 0;  // of the first probes
    std::uint32_t arrived = 0;  // answers received in this period, to probes of any period
    std::array<float, samples> round_trips{};  // in seconds
  };

  [[nodiscard]] std::uint64_t number_of(time_point at) const noexcept {
    return static_cast<std::uint64_t>(std::max<duration>(at - began_, duration(0)) / slot_time);
  }
  [[nodiscard]] slot& slot_of(std::uint64_t number);
  [[nodiscard]] const slot* known(std::uint64_t number) const;
  [[nodiscard]] double arrivals_a_second(time_point now) const;
  void lower(double to, duration pause, time_point now);
  void set(double rate, time_point now);

  struct sums {  // of the periods since the last decision
    double sent = 0;
    double first_probes = 0;
    double answered = 0;
    unsigned periods = 0;
    std::vector<float> round_trips;
  };
  [[nodiscard]] bool is_enough() const;
  void decide(time_point now);
  void grow(double used, bool is_known, time_point now);

  bool is_adaptive_;
  time_point began_;
  rate_bucket packets_;
  rate_bucket bits_;
  rtt_estimator rtt_;
  std::vector<slot> slots_;
  std::uint64_t next_slot_ = 0;  // the first one that was not evaluated
  time_point latest_arrival_ = time_point::min();  // of those passed to answered()
  std::uint64_t valid_from_ = 0;  // slots before it were sent at another rate
  sums since_;
  double usual_ = 0;  // share of answered first probes while nothing is lost
  double weight_ = 0;  // first probes that it was computed from
  double base_round_trip_ = 0;  // seconds, while there is no queue; 0: none yet
  double ceiling_ = 0;  // the path's capacity when the rate was last lowered; 0: never
  double growth_ = 2;
  unsigned lowered_without_effect_ = 0;  // times that the rate was lowered without reducing the loss
  time_point lowered_;
  stall_detector stall_;
  time_point resumed_ = time_point::min();  // when the machine was last found to have been suspended
};

}  // namespace netlab::scan
