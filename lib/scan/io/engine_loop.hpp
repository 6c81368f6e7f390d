// SPDX-License-Identifier: MIT
// The event loop shared by the scan engines: one thread, one epoll descriptor, no Asio, for speed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"
#include "scan/checkpoint.hpp"
#include "scan/finding.hpp"
#include "scan/io/held_signals.hpp"

namespace netlab::scan {

/// Reports events on the engines' descriptors.
class poller {
 public:
  struct event {
    unsigned engine;
    std::uint64_t key;
    std::uint32_t events;  ///< as for epoll_ctl(2)
  };

  /// Fails with the system's error.
  [[nodiscard]] static result<poller> make();

  /// `key` (below 2^56) is returned with the events, for the engine of this number. False: out of memory.
  [[nodiscard]] bool add(int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept;
  [[nodiscard]] bool change(int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept;

  /// Waits for events until `until` at the latest; the result is valid until the next call. `is_all`: no further
  /// events are pending. Fails with the system's error.
  [[nodiscard]] result<std::span<const event>> wait(time_point until, bool& is_all);

 private:
  net::unique_fd epoll_;
  std::vector<event> events_;
  bool has_pwait2_ = true;  // until a call fails
};

/// Receives the findings; called in the loop's thread.
struct scan_output {
  std::function<void(const finding&)> found;
  /// Called for an open TCP port before its banner is read; may be empty.
  std::function<void(const finding&)> opened;
  /// Called with a state and the number of silent ports that have it; `found` is not called for these. May be empty.
  std::function<void(port_state, std::uint64_t)> silent = {};
  /// Explains unexpected actions of the scan to the user; may be empty.
  std::function<void(std::string_view)> note;
};

struct engine_progress {
  std::uint64_t finished = 0;  ///< ports
  std::uint64_t all = 0;
  std::uint64_t sent = 0;  ///< probes

  engine_progress& operator+=(const engine_progress& other) noexcept {
    finished += other.finished;
    all += other.all;
    sent += other.sent;
    return *this;
  }
};

class engine {
 public:
  virtual ~engine() = default;
  /// Handles events on a descriptor.
  virtual void handle(std::uint64_t key, std::uint32_t events, time_point now) = 0;
  /// Sends what may be sent and, if all events were handled (`is_up_to_date`), handles timeouts. Returns when to call
  /// it again at the latest.
  [[nodiscard]] virtual time_point turn(time_point now, bool is_up_to_date) = 0;
  [[nodiscard]] virtual bool done() const = 0;
  /// The scan ends early: reports what is known, and the remaining ports that were asked as unknown.
  virtual void abandon(time_point now) = 0;
  /// Adds its progress: reported ports are done, all others are to be probed again. Engines that run in
  /// several threads add nothing.
  virtual void save(scan_checkpoint& to) const { static_cast<void>(to); }
  [[nodiscard]] virtual engine_progress progress() const = 0;
  /// The error that stopped the engine; the scan fails with it.
  [[nodiscard]] virtual std::optional<failure> trouble() const { return std::nullopt; }
};

struct run_options {
  time_point deadline = never;
  std::function<void(const engine_progress&)> on_status;  ///< called on SIGUSR1
  std::function<void(const engine_progress&, time_point now)> on_interval;  ///< called about five times a second
  std::function<bool()> should_stop;  ///< called as often; may be empty
  /// Called about once a second, and before the ports that are not known are reported if the scan ends early; may be
  /// empty.
  std::function<void(const scan_checkpoint&)> on_checkpoint;
};

/// Why the loop ended early: a signal, the deadline, or should_stop; else none is set.
struct run_outcome {
  int signal = 0;
  bool out_of_time = false;
  bool stopped = false;
  engine_progress progress;  ///< of all engines, at the end
};

/// Runs the engines to their end; SIGINT and SIGTERM end them early. The engine at index n has number n. Fails with the
/// system's error.
[[nodiscard]] result<run_outcome> run(poller& on, std::span<engine* const> engines, const held_signals& signals,
                                      const run_options& options);

}  // namespace netlab::scan
