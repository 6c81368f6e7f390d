// SPDX-License-Identifier: MIT
// Follows a program and all its descendants, and tells of each call on a socket when it is entered and when it returns.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "trace/calls.hpp"
#include "trace/io/arguments.hpp"
#include "trace/io/source_lines.hpp"
#include "trace/io/spawn.hpp"

namespace netlab::trace {

struct process_started {
  process_id process = 0;
  process_id parent = 0;  ///< 0: the program itself
  std::vector<std::string> words;  ///< its command line; of a fork still its parent's
};

struct tracer_events {
  std::function<call_id(call, std::optional<socket_facts>)> entered;
  std::function<void(call, std::optional<socket_facts>)> left;
  std::function<void(socket_facts, wall_time)> learned;
  std::function<void(const process_started&)> started;
  std::function<void(std::string)> noted;  ///< what a person should know: that something is not seen
  std::function<bool(const call&)> before;  ///< a call is made; may be empty. False: the program shall end
  std::function<void(wall_time)> tick;  ///< at least every tick_interval; packets can be read
};

/// How the program ended.
struct ending {
  bool by_signal = false;
  int number = 0;  ///< its exit status or the signal
};

class tracer {
 public:
  static constexpr auto tick_interval = std::chrono::milliseconds(20);
  /// When the program has ended and descendants of it have been silent for so long, they are ended, too.
  static constexpr auto quiet_time = std::chrono::seconds(1);
  /// How long they have for it after SIGTERM.
  static constexpr auto grace = std::chrono::seconds(2);

  /// `wait_for_all`: descendants that outlive the program are waited for, however long.
  tracer(spawned program, tracer_events events, bool wait_for_all);

  /// Until the program and all its descendants have ended. Fails where the program could not be started.
  [[nodiscard]] result<ending> run();

 private:
  struct descriptor {
    socket_id socket = 0;  // 0: it is none, or neither TCP nor UDP
    bool is_named = false;  // its local port is known
  };
  struct process {
    process_id parent = 0;
    net::unique_fd handle;
    std::unordered_map<int, descriptor> descriptors;
    std::unordered_map<int, std::map<std::uint64_t, int>> epolls;  // the descriptor for each event's data
    std::size_t threads = 0;
    bool has_io_uring = false;
  };
  struct thread {
    process_id process = 0;
    const system_call* which = nullptr;  // the call under way, if it is told
    raw_arguments raw{};
    call current;
    call interrupted;  // which restart_syscall goes on with
    std::optional<told_line> told;  // by a Python program, of the call to come
  };

  void handle(process_id thread, int status);
  void handle_event(process_id id, thread& of, int event, int signal);
  void handle_entry(process_id id, thread& of);
  bool enter(process_id id, thread& of, const system_call& which);
  bool enter_wait(thread& of, const system_call& which);
  void tell_entry(thread& of, std::optional<socket_facts> facts);
  void handle_return(process_id id, thread& of);
  void leave(thread& of, std::int64_t value);
  void handle_exit(process_id id, thread& of);
  void handle_exec(process_id id, thread& of);
  void handle_end(process_id id, int status);
  void add_thread(process_id id, process_id of, process_id parent);
  void read_told_line(process_id id, thread& of);
  void tick();
  void take_signals();
  void end_the_rest(int signal);
  void resume(process_id id, int signal = 0);
  void resume_until_return(process_id id);
  [[nodiscard]] const descriptor& look(thread& of, int fd);
  std::optional<socket_facts> query(thread& of, int fd);
  void tell_start(process_id id, process_id parent);

  process_id root_;
  spawned program_;
  tracer_events events_;
  bool waits_for_all_;
  std::unordered_map<process_id, thread> threads_;
  std::unordered_map<process_id, process> processes_;
  source_files sources_;
  std::unordered_set<socket_id> known_;  // whose facts have been told
  std::optional<ending> ended_;
  std::optional<wall_time> asked_to_end_;
  bool has_killed_ = false;
  bool is_running_ = false;  // the program has been started
  wall_time last_activity_{};
  wall_time last_tick_{};
};

}  // namespace netlab::trace
