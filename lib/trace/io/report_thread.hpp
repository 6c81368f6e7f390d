// SPDX-License-Identifier: MIT
// Links and reports calls and packets in a thread of its own.
//
// At each call the traced program waits for the tracer. It need not wait for the links and the reports: the tracer only
// queues the call, and this thread does the rest, on another core if there is one. It also empties the capture ring, so
// that neither a busy nor a stopped tracer lets the ring fill up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "net/fd.hpp"
#include "trace/io/capture.hpp"
#include "trace/timeline.hpp"

namespace netlab::trace {

class report_thread {
 public:
  /// Events that may be queued; then the tracer waits, and with it the program.
  static constexpr std::size_t max_queue = 16384;
  /// Time between two passes if nothing else starts one.
  static constexpr auto pass_interval = std::chrono::milliseconds(20);

  /// `flush` writes what the reports have buffered; it is called in the thread.
  report_thread(timeline& into, std::optional<capture> packets, std::function<void()> flush);
  ~report_thread();
  report_thread(const report_thread&) = delete;
  report_thread& operator=(const report_thread&) = delete;

  // Called by the tracer's thread.

  /// Events of this time and later may still come, until release(). Everything earlier has been queued.
  void hold(wall_time since) noexcept { held_since_.store(since.count()); }
  void release() noexcept { held_since_.store(wall_time::max().count()); }

  call_id enter(call details, std::optional<socket_facts> facts);
  void leave(call details, std::optional<socket_facts> facts);
  void learn(const socket_facts& facts, process_id user, wall_time now);
  /// Runs `task` in the thread, after the events before it.
  void run(std::function<void(timeline&)> task);

  /// Reports everything that has happened, then calls `use` while the thread changes nothing; packets are still
  /// collected meanwhile.
  void pause(const std::function<void(timeline&)>& use);
  /// Throws what ended the thread, for example std::bad_alloc.
  void check() const;
  /// Ends the thread and reports the rest.
  void finish();

 private:
  struct entered {
    call details;
    std::optional<socket_facts> facts;
  };
  struct left {
    call details;
    std::optional<socket_facts> facts;
  };
  struct learned {
    socket_facts facts;
    process_id user = 0;
    wall_time now{};
  };
  using request = std::function<void(timeline&)>;
  using event = std::variant<entered, left, learned, request>;

  /// Octets of packets that are kept during pause().
  static constexpr std::size_t max_kept = std::size_t{256} << 20;

  void push(event added);
  void wake() noexcept;
  void stop() noexcept;
  void work() noexcept;
  void wait_for_last_packets() const;
  void wait_for_work(bool for_packets);
  bool read_packets();
  void take_events();
  void advance(wall_time horizon);

  timeline& into_;
  std::optional<capture> capture_;
  std::function<void()> flush_;
  net::unique_fd wake_;  // eventfd
  call_id last_call_ = 0;
  std::atomic<wall_time::rep> held_since_{wall_time::max().count()};
  std::atomic<bool> has_ended_{false};
  std::atomic<bool> should_end_{false};
  std::exception_ptr error_;  // set before has_ended_

  std::mutex queue_mutex_;
  std::condition_variable queue_has_room_;
  std::vector<event> queue_;

  std::mutex timeline_mutex_;  // for the timeline, and:
  std::vector<event> taken_;

  std::mutex packets_mutex_;  // for the capture, and:
  std::vector<packet> kept_;
  std::size_t kept_octets_ = 0;

  std::thread thread_;  // the last member: it uses the others
};

}  // namespace netlab::trace
