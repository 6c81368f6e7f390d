// SPDX-License-Identifier: MIT
// Traces a program and all its descendants, and reports each call on a socket at its entry and at its return.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "trace/calls.hpp"
#include "trace/io/arguments.hpp"
#include "trace/io/native_lines.hpp"
#include "trace/io/source_lines.hpp"
#include "trace/io/spawn.hpp"

namespace netlab::trace {

struct process_started {
  process_id process = 0;
  process_id parent = 0;  ///< 0: it is the traced program itself
  std::vector<std::string> words;  ///< its command line; after fork still that of the parent
};

struct tracer_events {
  std::function<void(wall_time)> hold;  ///< what is reported until release() has this time or a later one
  std::function<void()> release;
  std::function<call_id(call, std::optional<socket_facts>)> entered;
  std::function<void(call, std::optional<socket_facts>)> left;
  std::function<void(socket_facts, process_id, wall_time)> learned;  ///< about a socket of this process
  std::function<void(process_started)> started;
  std::function<void(std::string)> noted;  ///< a note for the user: something cannot be seen
  std::function<bool(const call&)> before;  ///< called before a call; may be empty. False: end the program
  std::function<void()> tick;  ///< called at least every tick_interval
};

/// How the program ended.
struct ending {
  bool by_signal = false;
  int number = 0;  ///< its exit status or the signal
};

class tracer {
 public:
  static constexpr auto tick_interval = std::chrono::milliseconds(20);
  /// If the program has ended and its descendants have been inactive for this long, they are ended, too.
  static constexpr auto quiet_time = std::chrono::seconds(1);
  /// Time between SIGTERM and SIGKILL for them.
  static constexpr auto grace = std::chrono::seconds(2);

  /// `wait_for_all`: waits without limit for descendants that outlive the program.
  tracer(spawned program, tracer_events events, bool wait_for_all);

  /// Runs until the program and all its descendants have ended. Fails if the program could not be started.
  [[nodiscard]] result<ending> run();

 private:
  struct descriptor {
    socket_id socket = 0;  // 0: not a TCP or UDP socket
    bool is_named = false;  // the local port is known
  };
  struct process {
    process_id parent = 0;
    net::unique_fd handle;
    std::unordered_map<int, descriptor> descriptors;
    std::unordered_map<int, std::map<std::uint64_t, int>> epolls;  // descriptors by user data
    std::size_t threads = 0;
    std::size_t exiting_threads = 0;
    bool has_io_uring = false;
    wall_time next_scan{};  // of its sockets, with io_uring
    bool is_python = false;  // reports its lines itself
    std::unordered_map<std::string, std::shared_ptr<const reported_line>> reported_lines;  // by message
  };
  struct thread {
    process_id id = 0;
    process_id process = 0;
    const system_call* which = nullptr;  // the current call, if it is reported
    bool is_exiting = false;
    raw_arguments raw{};
    call current;
    call interrupted;  // continued by restart_syscall
    std::uint64_t line_buffer = 0;  // where a Python program notes the source line of its next call
    std::string reported;  // that line, if the program writes it; else empty
  };

  void handle(process_id thread, int status);
  void handle_event(process_id id, thread& of, int event, int signal);
  void handle_entry(process_id id, thread& of);
  bool enter(process_id id, thread& of, const system_call& which);
  bool enter_implicit_close(process_id id, thread& of, const system_call& which);
  void forget_closed(thread& of, const system_call& which);
  bool enter_wait(thread& of, const system_call& which);
  void report_entry(thread& of, const system_call& which, std::optional<socket_facts> facts);
  void handle_return(process_id id, thread& of);
  void leave(thread& of, std::int64_t value);
  void handle_exit(process_id id, thread& of);
  void handle_exec(process_id id, thread& of);
  void handle_end(process_id id, int status);
  void add_thread(process_id id, process_id of, process_id parent);
  void read_report(process_id id, thread& of);
  std::shared_ptr<const reported_line> find_reported_line(process_id id, thread& of);
  void tick();
  void take_signals();
  void end_the_rest(int signal);
  void resume(process_id id, int signal = 0);
  void resume_until_return(process_id id);
  [[nodiscard]] const descriptor& look(thread& of, int fd);
  std::optional<socket_facts> query(thread& of, int fd);
  std::optional<socket_facts> describe_new_socket(thread& of, int fd);
  void learn_sockets(process_id id, process& whose, wall_time since);
  void report_start(process_id id, process_id parent);

  process_id root_;
  spawned program_;
  tracer_events events_;
  bool waits_for_all_;
  std::unordered_map<process_id, thread> threads_;
  std::unordered_map<process_id, process> processes_;
  source_files sources_;
  native_lines natives_;
  std::unordered_set<socket_id> known_;  // sockets whose facts were reported
  std::optional<ending> ended_;
  std::optional<wall_time> asked_to_end_;
  bool has_killed_ = false;
  bool has_passed_on_stop_ = false;  // we got a SIGTSTP and sent it to the program
  bool is_running_ = false;  // the program was started
  wall_time last_activity_{};
  wall_time last_tick_{};
};

}  // namespace netlab::trace
