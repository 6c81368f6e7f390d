// SPDX-License-Identifier: MIT
// The loop that the scan engines share: one thread, one epoll, no Asio on the path of a million packets.
#pragma once

#include <csignal>
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
#include "scan/finding.hpp"

namespace netlab::scan {

/// Tells an engine when its descriptors have news.
class poller {
 public:
  struct news {
    unsigned engine;
    std::uint64_t key;
    std::uint32_t events;  ///< as epoll_ctl(2) has them
  };

  /// Fails with the system's code.
  [[nodiscard]] static result<poller> make();

  /// `key` (below 2^56) comes back with the events, under the engine's number. False: no memory for it.
  [[nodiscard]] bool add(int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept;
  [[nodiscard]] bool change(int fd, std::uint32_t events, unsigned engine, std::uint64_t key) noexcept;

  /// Waits for news until then at most; the answer is good until the next call. `is_all`: there is no more at the
  /// moment. Fails with the system's code.
  [[nodiscard]] result<std::span<const news>> wait(time_point until, bool& is_all);

 private:
  net::unique_fd epoll_;
  std::vector<news> news_;
  bool has_pwait2_ = true;  // until it has been refused
};

/// Where findings go. Called in the loop's thread.
struct scan_output {
  std::function<void(const finding&)> found;
  /// An open TCP port, before it was listened to; may be empty.
  std::function<void(const finding&)> opened;
  /// What the scan does that nobody would expect, in words; may be empty.
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
  /// News of a descriptor.
  virtual void handle(std::uint64_t key, std::uint32_t events, time_point now) = 0;
  /// Sends what may be sent and, where all news was told (`is_up_to_date`), gives up what took too long. When to call
  /// again at the latest.
  [[nodiscard]] virtual time_point turn(time_point now, bool is_up_to_date) = 0;
  [[nodiscard]] virtual bool done() const = 0;
  /// The scan ends early: tells what is known, and of the rest that was asked that it is not.
  virtual void abandon(time_point now) = 0;
  [[nodiscard]] virtual engine_progress progress() const = 0;
  /// Why it could not go on, if so; the scan fails with it.
  [[nodiscard]] virtual std::optional<failure> trouble() const { return std::nullopt; }
};

struct run_options {
  time_point deadline = never;
  std::function<void()> on_status;  ///< SIGUSR1
  std::function<void(time_point)> on_interval;  ///< about five times a second
  std::function<bool()> should_stop;  ///< asked as often; may be empty
};

/// What ended the loop early: a signal's number, or `deadline` passed, or neither.
struct run_outcome {
  int signal = 0;
  bool out_of_time = false;
  bool stopped = false;
};

/// Runs the engines to their end. SIGINT and SIGTERM end it early; a second one ends the process. Engine number n is
/// the n-th. Fails with the system's code.
[[nodiscard]] result<run_outcome> run(poller& on, std::span<engine* const> engines, const run_options& how);

}  // namespace netlab::scan
